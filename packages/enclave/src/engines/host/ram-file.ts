import { createHash } from 'node:crypto'
import { closeSync, constants, fchmodSync, openSync, writeSync } from 'node:fs'
import { openUnnamed } from '../../ram/unnamed-file.ts'
import { engineError } from '../errors.ts'
import type { ModelFileEntry } from '../types.ts'

/** The content of a model file: in one array, or in pieces (a sealed artifact as it is opened). */
export type ModelBytes = Uint8Array | AsyncIterable<Uint8Array>

/** A file without a name, in memory. Whoever holds the descriptor can read it; it vanishes with the last holder. */
export interface RamFile {
  /** Read-only descriptor. */
  readonly fd: number
  readonly size: number
  close(): void
}

const PIECE_BYTES = 64 * 1024 * 1024

/** A RAM file that an engine may be given before its content is there. */
export interface EmptyRamFile extends RamFile {
  /**
   * Copies the content in and checks it against the manifest entry on the way. Once.
   * @throws `ENGINE_MODEL_INVALID` when size or SHA-256 differ, `ENGINE_CLOSED` when the file was closed meanwhile
   */
  fill(content: ModelBytes): Promise<void>
}

/**
 * Makes a file for a model file in RAM. Its mode is 0444, so that an engine under another uid can open
 * `/proc/self/fd/N` but not change what it was given.
 * RAM files can be swapped out: measured roles refuse to start with swap on.
 *
 * @throws `ENGINE_LOAD_FAILED` when `directory` is no RAM disk
 */
export function openRamFile(entry: ModelFileEntry, directory = '/dev/shm'): EmptyRamFile {
  const writable = openWritable(directory)
  let fd: number
  try {
    fchmodSync(writable, 0o444)
    fd = openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY)
  } catch (error) {
    closeSync(writable)
    throw error
  }
  let isFilling = false
  let isClosed = false
  return {
    fd,
    size: entry.size,
    close() {
      if (isClosed) return
      isClosed = true
      closeSync(fd)
      // Whoever fills it closes this one itself: its number must not become another file's under the writer's hands.
      if (!isFilling) closeSync(writable)
    },
    async fill(content) {
      isFilling = true
      try {
        await copyInto(writable, entry, content, () => isClosed)
      } finally {
        closeSync(writable)
      }
    },
  }
}

async function copyInto(
  writable: number,
  entry: ModelFileEntry,
  content: ModelBytes,
  isClosed: () => boolean,
): Promise<void> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of content instanceof Uint8Array ? pieces(content) : content) {
    if (isClosed()) throw engineError('ENGINE_CLOSED', 'the model is not wanted any more')
    size += chunk.length
    if (size > entry.size) break
    hash.update(chunk)
    for (let at = 0; at < chunk.length;) at += writeSync(writable, chunk, at)
  }
  const found = hash.digest('hex')
  if (size === entry.size && found === entry.sha256) return
  throw engineError('ENGINE_MODEL_INVALID', `model file ${entry.name} is not the one its manifest names`, {
    expected: `${entry.size} bytes, sha256 ${entry.sha256}`,
    found: `${size > entry.size ? 'more' : size} bytes, sha256 ${found}`,
  })
}

/** Whole models in one array can be larger than what one system call or one hash update takes. */
function* pieces(content: Uint8Array): Generator<Uint8Array, void> {
  for (let at = 0; at < content.length; at += PIECE_BYTES) yield content.subarray(at, at + PIECE_BYTES)
}

function openWritable(directory: string): number {
  try {
    return openUnnamed(directory)
  } catch (cause) {
    throw engineError('ENGINE_LOAD_FAILED', 'cannot create an unnamed file in RAM', {
      cause,
      hint: `mount a tmpfs that this process may write at ${directory}`,
    })
  }
}
