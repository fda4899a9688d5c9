import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { equalBytes, fromBase64, fromHex } from '@sotto/protocol/bytes'
import { recogniseEvidence } from '@sotto/verifier/family'
import { cliError } from '../errors.ts'
import type { Io } from '../framework/index.ts'
import { openInput } from '../input/index.ts'

/** Evidence and each piece of collateral are at most a few hundred KiB; CRLs of large authorities a little more. */
const MAX_PIECE_BYTES = 4 * 1024 * 1024
const MAX_PIECES = 64

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
 * @throws `CLI_FILE` not readable, too large, too many, or one name twice
 */
export async function readCollateralFiles(
  io: Io,
  names: readonly string[],
  evidence: Uint8Array,
): Promise<Record<string, Uint8Array>> {
  const pieces: Record<string, Uint8Array> = {}
  const add = (name: string, bytes: Uint8Array): void => {
    if (Object.hasOwn(pieces, name)) throw cliError('CLI_FILE', `two pieces of collateral are called ${name}`)
    if (Object.keys(pieces).length >= MAX_PIECES)
      throw cliError('CLI_FILE', `more than ${MAX_PIECES} pieces of collateral`)
    pieces[name] = bytes
  }
  for (const name of names) {
    for (const [piece, bytes] of await readPath(resolve(io.cwd, name), name)) {
      // A folder often holds the evidence as well.
      if (equalBytes(bytes, evidence)) continue
      const packed = unpack(bytes)
      if (packed === undefined) add(piece, bytes)
      else for (const [inner, content] of Object.entries(packed)) add(inner, content)
    }
  }
  return pieces
}

async function readPath(path: string, label: string): Promise<[string, Uint8Array][]> {
  try {
    if (!(await stat(path)).isDirectory()) return [[label, await readPiece(path, label)]]
    const entries = await readdir(path, { withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
    return await Promise.all(
      files
        .sort()
        .map(async (name): Promise<[string, Uint8Array]> => [name, await readPiece(join(path, name), name)]),
    )
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    throw cliError('CLI_FILE', `cannot read ${label}`, {
      cause,
      hint: 'name a file or a folder with --collateral',
    })
  }
}

async function readPiece(path: string, label: string): Promise<Uint8Array> {
  if ((await stat(path)).size > MAX_PIECE_BYTES) throw tooLarge(label, MAX_PIECE_BYTES)
  return new Uint8Array(await readFile(path))
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

/** Pieces of a packed bundle of collateral; undefined for everything else. */
function unpack(bytes: Uint8Array): Record<string, Uint8Array> | undefined {
  if (bytes[0] !== 0x7b) return undefined
  let value: { version?: unknown; pieces?: unknown }
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8')) as typeof value
  } catch {
    return undefined
  }
  if (value.version !== 1 || typeof value.pieces !== 'object' || value.pieces === null) return undefined
  return Object.fromEntries(
    Object.entries(value.pieces).map(([name, text]) => [name, fromBase64(String(text))]),
  )
}
