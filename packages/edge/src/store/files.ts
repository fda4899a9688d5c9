import { closeSync, createReadStream, openSync, statSync } from 'node:fs'
import { createHash, type Hash } from 'node:crypto'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { syncFolder } from './durable-file.ts'
import type { StoreErrors } from './guarded-database.ts'

/** Makes an empty file (mode 0600), whose name is durable when this returns. At once: nothing else runs in between. */
export function createFile(path: string, errorOf: StoreErrors): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
    syncFolder(dirname(path))
  } catch (error) {
    throw errorOf(error)
  }
}

/** SHA-256 of the first `bytes` of a file, which may still go on. @throws what `errorOf` makes of a disk that fails */
export async function hashFile(file: string, bytes: number, errorOf: StoreErrors): Promise<Hash> {
  const hash = createHash('sha256')
  if (bytes === 0) return hash
  try {
    for await (const chunk of createReadStream(file, {
      end: bytes - 1,
      highWaterMark: 1_048_576,
    }) as AsyncIterable<Buffer>)
      hash.update(chunk)
  } catch (error) {
    throw errorOf(error)
  }
  return hash
}

/** Bytes `start` to `end` (excluded) of a file. */
export function streamFile(file: string, start: number, end: number): ReadableStream<Uint8Array> {
  return Readable.toWeb(
    createReadStream(file, { start, end: end - 1, highWaterMark: 262_144 }),
  ) as ReadableStream<Uint8Array>
}

/** Bytes of a file; 0 where there is none. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
