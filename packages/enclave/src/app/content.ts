import { open, type FileHandle } from 'node:fs/promises'
import { openArtifact } from '@sotto/protocol/sealed'

/** A file on the untrusted disk. */
export interface ContentFile {
  readonly path: string
  /** Where it is sealed: as which artifact, and with which key. */
  readonly sealed?: { readonly artifact: string; readonly contentKey: Uint8Array }
}

const PIECE_BYTES = 2 ** 20

/**
 * The content of a file, piece by piece; a sealed one is decrypted into memory as it is read. Whoever keeps the disk chooses
 * the bytes, and what they are has to be looked at by whoever asked for them.
 * @param unreadable makes the error for a file that cannot be read, or has more than `maxBytes`
 * @throws what `unreadable` makes, `SEALED_MALFORMED`, `SEALED_KEY`, `SEALED_TAMPERED`
 */
export async function* readContent(
  { path, sealed }: ContentFile,
  maxBytes: number,
  unreadable: (found: string, cause?: unknown) => Error,
): AsyncGenerator<Uint8Array, void> {
  await using handle = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable('nothing', cause)
  })
  const isFile = await handle.stat().then((stat) => stat.isFile())
  if (!isFile) throw unreadable('no plain file')
  const read = (start: number, length: number): Promise<Uint8Array> =>
    readRange(handle, start, length).catch((cause: unknown) => {
      throw unreadable('a disk that fails', cause)
    })
  if (sealed === undefined) {
    yield* readPlain(read, maxBytes, unreadable)
    return
  }
  const { header, content } = await openArtifact(read, sealed.contentKey, sealed.artifact)
  if (header.plaintextBytes > maxBytes) throw unreadable(`${header.plaintextBytes} bytes`)
  yield* content
}

async function* readPlain(
  read: (start: number, length: number) => Promise<Uint8Array>,
  maxBytes: number,
  unreadable: (found: string) => Error,
): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; ;) {
    const piece = await read(at, PIECE_BYTES)
    if (piece.length === 0) return
    at += piece.length
    if (at > maxBytes) throw unreadable(`more than ${maxBytes} bytes`)
    yield piece
  }
}

/** Fewer bytes only where the file ends. */
async function readRange(handle: FileHandle, start: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
