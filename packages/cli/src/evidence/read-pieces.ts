import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { unpackCollateral } from '@sotto/client/collateral'
import { readCollateral } from '@sotto/client/node'
import { equalBytes, fromBase64, fromHex } from '@sotto/protocol/bytes'
import { recogniseEvidence } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/index.ts'
import { openInput } from '../input/index.ts'

/** Evidence and each piece of collateral are at most a few hundred KiB; CRLs of large authorities a little more. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024
/** Of a packed bundle, whose pieces have a bound of their own. */
const MAX_BUNDLE_BYTES = 32 * 1024 * 1024
const MAX_PIECES = 128

/** The bytes of evidence: as they are, or as the hexadecimal or base64 text that tools print. */
export async function readEvidence(io: Io, name: string): Promise<Uint8Array> {
  const bytes = await readBytes(io, name, MAX_PIECE_BYTES)
  if (recogniseEvidence(bytes) !== undefined) return bytes
  const decoded = decodeText(bytes)
  return decoded !== undefined && recogniseEvidence(decoded) !== undefined ? decoded : bytes
}

/** The whole of a file or of standard input. @throws `CLI_FILE` larger than `maxBytes` */
export async function readBytes(io: Io, name: string, maxBytes: number): Promise<Uint8Array> {
  const { stream, label } = await openInput(io, [name])
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of stream()) {
    size += part.length
    if (size > maxBytes) throw tooLarge(label, maxBytes)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/**
 * Pieces of collateral by name: files as they are, folders with all their files, and packed bundles
 * (`sotto collateral pack`) with everything in them.
 * @throws `CLI_FILE` not readable, too large, too many, or one name twice; `COLLATERAL_BUNDLE` a damaged bundle
 */
export async function readCollateralFiles(
  io: Io,
  names: readonly string[],
  evidence: Uint8Array,
): Promise<Record<string, Uint8Array>> {
  const pieces: Record<string, Uint8Array> = {}
  for (const name of names) {
    for (const [piece, bytes] of Object.entries(await readPath(io, name))) {
      // A folder often holds the evidence as well.
      if (equalBytes(bytes, evidence)) continue
      if (Object.hasOwn(pieces, piece))
        throw cliError('CLI_FILE', `two pieces of collateral are called ${piece}`)
      if (Object.keys(pieces).length >= MAX_PIECES)
        throw cliError('CLI_FILE', `more than ${MAX_PIECES} pieces of collateral`)
      pieces[piece] = bytes
    }
  }
  return pieces
}

async function readPath(io: Io, label: string): Promise<Readonly<Record<string, Uint8Array>>> {
  const path = resolve(io.cwd, label)
  try {
    if ((await stat(path)).isDirectory()) return (await readCollateral(path)).pieces
    const bytes = await readBytes(io, label, MAX_BUNDLE_BYTES)
    if (isPacked(bytes)) return unpackCollateral(bytes).pieces
    if (bytes.length > MAX_PIECE_BYTES) throw tooLarge(label, MAX_PIECE_BYTES)
    return { [label]: bytes }
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    throw cliError('CLI_FILE', `cannot read ${label}`, {
      cause,
      hint: 'name a file or a folder with --collateral',
    })
  }
}

/**
 * Whether a file is what `sotto collateral pack` writes, and not a piece that is JSON itself: by its first member,
 * which no other document has. One that somebody wrote anew is known too, and refused as what it is.
 */
function isPacked(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 256)).toString('latin1')
  return /^\s*\{\s*"(?:digests|fetchedAt|pieces)"\s*:/.test(start)
}

function tooLarge(label: string, maxBytes: number): Error {
  return cliError('CLI_FILE', `${label} is too large for evidence`, {
    expected: `at most ${maxBytes} bytes`,
    hint: 'name the file that holds the report, quote, document or token alone',
  })
}

function decodeText(bytes: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(bytes).toString('latin1').replaceAll(/\s/g, '')
  try {
    return /^[0-9a-fA-F]+$/.test(text) ? fromHex(text.toLowerCase()) : fromBase64(text)
  } catch {
    return undefined
  }
}
