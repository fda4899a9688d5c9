import { createHash } from 'node:crypto'
import type { DataStatement, Input } from '@sotto/protocol/contract'
import { type BoardAccess, type DataManifest, parseDataManifest } from '@sotto/protocol/room'
import { openArtifact } from '@sotto/protocol/sealed'
import { readAhead } from '../../sealed/read-ahead.ts'
import { readHashed } from '../../sealed/read-hashed.ts'
import type { BoardFiles } from '../board/board-files.ts'
import { roomRoleError } from '../errors.ts'

/** An input whose manifest is known, and whose content is still to come. */
export interface OpenedInput {
  manifest: DataManifest
  /**
   * The content, once, decrypted as it comes. After the last byte it has been compared with the manifest and the sealed
   * file with what its owner signed: before that, nothing that was read is to be believed.
   * @throws `ROOM_INPUT`, `ROOM_FILES`, codes of the sealed format
   */
  content: AsyncIterable<Uint8Array>
  /** Stops reading. Always call it. */
  close(): void
}

/** What opens an input. */
export interface OpenInputOptions {
  input: Input
  statement: DataStatement
  /** 32 bytes; overwritten. */
  contentKey: Uint8Array
  board: BoardFiles
  access: BoardAccess
  signal: AbortSignal
}

/**
 * Opens the sealed file of an input: it has to be what its owner stated, of the kind that the contract names, with the
 * content that the run names.
 * @throws `ROOM_INPUT`, `ROOM_FILES`, codes of the sealed format
 */
export async function openInput(options: OpenInputOptions): Promise<OpenedInput> {
  const { input, statement, contentKey, board, access, signal } = options
  const remote = readAhead({
    bytes: statement.bytes,
    fetchRange: (start, length, stop) =>
      board.read(access, statement.sealed, { start, length }, AbortSignal.any([signal, stop])),
  })
  const hashed = readHashed(remote.read, statement.bytes)
  try {
    const { metadata, header, content } = await openArtifact(hashed.read, contentKey, statement.artifact)
    const { manifest, digest } = parseDataManifest(metadata)
    requireSame(`${input.name} is not the content that its owner stated`, statement.content, digest)
    if (manifest.kind !== input.kind || manifest.bytes !== header.plaintextBytes)
      throw roomRoleError('ROOM_INPUT', `${input.name} is not what its manifest says`, {
        expected: `${input.kind}, ${header.plaintextBytes} bytes`,
        found: `${manifest.kind}, ${manifest.bytes} bytes`,
      })
    return {
      manifest,
      content: compared(content, input.name, { manifest, sealed: statement.sealed, digest: hashed.digest }),
      close: () => remote.close(),
    }
  } catch (error) {
    remote.close()
    throw error
  } finally {
    contentKey.fill(0)
  }
}

/** The owner signed the manifest's digest and the sealed file's: both have to be of these bytes. */
async function* compared(
  content: AsyncIterable<Uint8Array>,
  name: string,
  { manifest, sealed, digest }: { manifest: DataManifest; sealed: string; digest: () => Promise<string> },
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  let held: Uint8Array | undefined
  for await (const piece of content) {
    hash.update(piece)
    if (held !== undefined) yield held
    held = piece
  }
  requireSame(`${name} is not the content of its manifest`, manifest.sha256, hash.digest('hex'))
  requireSame(`${name} is not the sealed file that its owner stated`, sealed, await digest())
  // The last piece comes after the comparison: nobody has a whole input that was not compared.
  if (held !== undefined) yield held
}

/** @throws `ROOM_INPUT` */
function requireSame(message: string, expected: string, found: string): void {
  if (found !== expected) throw roomRoleError('ROOM_INPUT', message, { expected, found })
}
