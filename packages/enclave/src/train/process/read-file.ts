import { readSync } from 'node:fs'
import { roomTrainError } from '../errors.ts'

/** Bytes of one call that reads. */
const READ_BYTES = 2 ** 30

/** All of a file that the room gave. */
export function readFile({ fd, bytes }: { fd: number; bytes: number }): Uint8Array {
  const content = new Uint8Array(bytes)
  for (let at = 0; at < bytes;) {
    const read = readSync(fd, content, at, Math.min(READ_BYTES, bytes - at), at)
    if (read === 0) throw roomTrainError('ROOM_TRAIN_CRASHED', 'a file is shorter than it was')
    at += read
  }
  return content
}
