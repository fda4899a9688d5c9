import { fstatSync, readSync } from 'node:fs'

/** What is read at once: one system call takes no more than 2 GiB. */
const PIECE_BYTES = 64 * 2 ** 20

/** All of a file that several processes hold, without moving the place where any of them reads. */
export function readWhole(fd: number): Uint8Array {
  const bytes = new Uint8Array(fstatSync(fd).size)
  for (let at = 0; at < bytes.length;) {
    const read = readSync(fd, bytes, at, Math.min(PIECE_BYTES, bytes.length - at), at)
    if (read === 0) throw new Error('the file is shorter than it was')
    at += read
  }
  return bytes
}
