import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { containerError } from './errors.ts'
import { readBytes } from '../inputs/read-range.ts'

/**
 * Takes the one file that a job left, when no process of it is left. The job chose what is there, and followed nothing is:
 * a link could lead to a file of this machine.
 * @param folder its `/out`, as the host sees it
 * @throws `ROOM_CONTAINER_OUTPUT`
 */
export async function takeOutput(folder: string, maxBytes: number): Promise<Uint8Array> {
  const expected = `/out/result, a file of at most ${maxBytes} bytes`
  const fd = openResult(`${folder}/result`, expected)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw containerError('ROOM_CONTAINER_OUTPUT', { expected, found: 'no regular file' })
    if (stat.size > maxBytes)
      throw containerError('ROOM_CONTAINER_OUTPUT', { expected, found: 'a larger file' })
    return await readBytes(fd, 0, stat.size)
  } finally {
    closeSync(fd)
  }
}

/** Not blocking: a pipe would wait for somebody who writes. */
function openResult(path: string, expected: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const found = code === 'ENOENT' ? 'nothing' : 'no regular file'
    throw containerError('ROOM_CONTAINER_OUTPUT', { expected, found })
  }
}
