import { type FileHandle, open } from 'node:fs/promises'
import { createHash, type Hash } from 'node:crypto'
import { serveError } from '@sotto/serve/errors'
import { pacedBody, type PaceLimits, PART_PACE } from '@sotto/serve/limits'
import { hashFile } from './files.ts'
import type { StoreErrors } from './guarded-database.ts'

/** A file that arrives in parts. Whoever keeps these sees to it that each has one writer at a time. */
export interface GrowingFile {
  id: string
  path: string
  /** Of the whole file, as it was announced. */
  bytes: number
  /** Bytes that are there and noted; what lies behind them does not count. */
  offset: number
}

/** Files that can be continued after anything: a lost connection, a killed client, a killed process. */
export interface GrowingFiles {
  /**
   * Stores what arrives after the offset. `note` is told how far that came once it is on the disk, also where the sender
   * went away; what fails is thrown after it.
   * @returns the new offset
   * @throws `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`, the role's codes of its store, and what `note` throws
   */
  append(file: GrowingFile, body: AsyncIterable<Uint8Array>, note: (offset: number) => void): Promise<number>
  /** SHA-256 of a file that is whole, in hexadecimal; read again only where it did not come in one go. */
  digest(file: Omit<GrowingFile, 'offset'>): Promise<string>
}

/** What growing files are made of. */
export interface GrowingFilesOptions {
  errorOf: StoreErrors
  /** Most bytes that one request brings. */
  maxPartBytes: number
  /** How slowly parts may come. Default {@link PART_PACE}. */
  pace?: PaceLimits
}

/** Files whose hashes are kept between requests. */
const MAX_HASHES = 256

/** Makes {@link GrowingFiles}. */
export function createGrowingFiles({
  errorOf,
  maxPartBytes,
  pace = PART_PACE,
}: GrowingFilesOptions): GrowingFiles {
  /** Hashes of what is stored so far, so that a whole file need not be read again at the end. */
  const hashes = new Map<string, { hash: Hash; at: number }>()

  /** The oldest are forgotten first: whoever left them there may come back, and then the file is read once more. */
  function remember(id: string, state: { hash: Hash; at: number }): void {
    for (const oldest of hashes.size < MAX_HASHES ? [] : hashes.keys()) {
      hashes.delete(oldest)
      break
    }
    hashes.set(id, state)
  }

  async function writeAll(file: FileHandle, part: Uint8Array, at: number): Promise<void> {
    for (let written = 0; written < part.length;) {
      try {
        const { bytesWritten } = await file.write(part, written, part.length - written, at + written)
        written += bytesWritten
      } catch (error) {
        throw errorOf(error)
      }
    }
  }

  return {
    async append({ id, path, bytes, offset }, body, note) {
      const known = hashes.get(id)
      const fresh = offset === 0 ? { hash: createHash('sha256'), at: 0 } : undefined
      const state = known?.at === offset ? known : fresh
      hashes.delete(id)
      let at = offset
      let failure: unknown
      const file = await open(path, 'r+').catch((error: unknown) => {
        throw errorOf(error)
      })
      try {
        try {
          for await (const part of bounded(pacedBody(body, pace), Math.min(maxPartBytes, bytes - offset))) {
            await writeAll(file, part, at)
            state?.hash.update(part)
            at += part.length
          }
        } catch (error) {
          failure = error
        }
        // What arrived before a failure is kept, as far as the disk takes it.
        await file.datasync().catch((error: unknown) => {
          throw failure ?? errorOf(error)
        })
      } finally {
        await file.close()
      }
      note(at)
      if (state !== undefined) remember(id, { ...state, at })
      if (failure !== undefined) throw failure
      return at
    },
    async digest({ id, path, bytes }) {
      const known = hashes.get(id)
      const hash = known?.at === bytes ? known.hash : await hashFile(path, bytes, errorOf)
      hashes.delete(id)
      return hash.digest('hex')
    },
  }
}

/** No more than the file still needs, nor more than one request may bring. */
async function* bounded(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let seen = 0
  for await (const part of body) {
    seen += part.length
    if (seen > most)
      throw serveError('HTTP_BODY_TOO_LARGE', 'the body is too large', {
        expected: `at most ${most} bytes`,
      })
    yield part
  }
}
