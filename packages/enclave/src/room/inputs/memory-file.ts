import { closeSync, constants, fchmodSync, openSync, writeSync } from 'node:fs'
import { openUnnamed } from '../../ram/unnamed-file.ts'

/** Content in a file without a name, in memory: it vanishes with its last descriptor. */
export interface MemoryFile {
  /** Read-only. */
  readonly fd: number
  readonly bytes: number
  close(): void
}

const DIRECTORY = '/dev/shm'

/**
 * Puts content into a file that a process under another uid may read through its descriptor, and not change. Pieces are
 * overwritten once they are there.
 * @throws what `content` throws; the system's error where memory is full
 */
export async function writeMemoryFile(content: AsyncIterable<Uint8Array>): Promise<MemoryFile> {
  const writable = openUnnamed(DIRECTORY)
  let readable: number | undefined
  try {
    fchmodSync(writable, 0o444)
    readable = openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY)
    let bytes = 0
    for await (const piece of content) {
      for (let at = 0; at < piece.length;) at += writeSync(writable, piece, at)
      bytes += piece.length
      piece.fill(0)
    }
    const fd = readable
    let isClosed = false
    return {
      fd,
      bytes,
      close() {
        if (isClosed) return
        isClosed = true
        closeSync(fd)
      },
    }
  } catch (error) {
    if (readable !== undefined) closeSync(readable)
    throw error
  } finally {
    closeSync(writable)
  }
}
