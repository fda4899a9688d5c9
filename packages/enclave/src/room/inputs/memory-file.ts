import { closeSync, constants, fchmodSync, openSync, write } from 'node:fs'
import { promisify } from 'node:util'
import { openUnnamed } from '../../ram/unnamed-file.ts'

/** Content in a file without a name, in memory: it vanishes with its last descriptor. */
export interface MemoryFile {
  /** Read-only. */
  readonly fd: number
  readonly bytes: number
  close(): void
}

/** A file whose content is still on its way: it has a descriptor that others may be given, and nothing to read yet. */
export interface FillingFile {
  /** Read-only. */
  readonly fd: number
  /** When everything is there. @throws what `content` throws; the system's error where memory is full */
  readonly whole: Promise<MemoryFile>
  /** Always call it: nobody else closes the descriptor. */
  close(): void
}

const DIRECTORY = '/dev/shm'
/** Pieces that are being copied while the next ones come. */
const WRITES_AT_ONCE = 4
const writeAt = promisify(write)

/**
 * Puts content into a file that a process under another uid may read through its descriptor, and not change.
 * @param content of which each piece is the file's from then on: it is overwritten once it is there
 */
export function fillMemoryFile(content: AsyncIterable<Uint8Array>): FillingFile {
  const writable = openUnnamed(DIRECTORY)
  let fd: number
  try {
    fchmodSync(writable, 0o444)
    fd = openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY)
  } catch (error) {
    closeSync(writable)
    throw error
  }
  let isClosed = false
  const close = (): void => {
    if (isClosed) return
    isClosed = true
    closeSync(fd)
  }
  const whole = copyInto(writable, content).then((bytes) => ({ fd, bytes, close }))
  // Whoever waits hears it.
  whole.catch(() => undefined)
  return { fd, whole, close }
}

/** The same, once everything is there. @throws what `content` throws; the system's error where memory is full */
export async function writeMemoryFile(content: AsyncIterable<Uint8Array>): Promise<MemoryFile> {
  const file = fillMemoryFile(content)
  try {
    return await file.whole
  } catch (error) {
    file.close()
    throw error
  }
}

/** @returns bytes. The descriptor is closed. */
async function copyInto(fd: number, content: AsyncIterable<Uint8Array>): Promise<number> {
  const writes: Promise<void>[] = []
  try {
    let bytes = 0
    for await (const piece of content) {
      writes.push(copyPiece(fd, piece, bytes))
      bytes += piece.length
      if (writes.length === WRITES_AT_ONCE) await writes.shift()
    }
    await Promise.all(writes)
    return bytes
  } finally {
    // A descriptor that is closed while somebody writes may be another file's by then.
    await Promise.allSettled(writes)
    closeSync(fd)
  }
}

async function copyPiece(fd: number, piece: Uint8Array, offset: number): Promise<void> {
  try {
    for (let at = 0; at < piece.length;)
      at += (await writeAt(fd, piece, at, piece.length - at, offset + at)).bytesWritten
  } finally {
    piece.fill(0)
  }
}
