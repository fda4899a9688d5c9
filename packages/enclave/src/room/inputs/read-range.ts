import { read } from 'node:fs'
import { promisify } from 'node:util'

const readPiece = promisify(read)
const PIECE_BYTES = 1024 * 1024

/**
 * Some bytes of a file that several hold, piece by piece, without moving the place where any of them reads. A piece is
 * overwritten when the next one is asked for.
 * @throws Error where the file is shorter
 */
export async function* readRange(
  fd: number,
  offset: number,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, size))
  for (let at = 0; at < size;) {
    const { bytesRead } = await readPiece(fd, buffer, 0, Math.min(buffer.length, size - at), offset + at)
    if (bytesRead === 0) throw new Error('the file is shorter than it was')
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** The same, all at once. */
export async function readBytes(fd: number, offset: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let at = 0
  for await (const piece of readRange(fd, offset, size)) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
