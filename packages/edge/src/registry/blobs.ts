import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { createHash, type Hash } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { syncFolder } from '../store/durable-file.ts'
import { registryStoreError } from './database.ts'

/**
 * Files of the registry: `blobs/ab/abcd…` by SHA-256, and `uploads/ID.part`. Which of them count is for the database
 * to say. Nothing here is trusted by whoever reads it: sealed files prove themselves.
 */
export interface BlobFiles {
  part(upload: string): string
  /** Puts a finished upload in its place; durable when this returns. */
  place(upload: string, digest: string): void
  /** Undoes `place`, as far as it came, for an upload whose completion is not noted. */
  takeBack(upload: string, digest: string): void
  has(digest: string): boolean
  /** Bytes `start` to `end` (excluded) of a blob. */
  read(digest: string, start: number, end: number): ReadableStream<Uint8Array>
  removeBlob(digest: string): void
  removePart(upload: string): void
  /** Everything that lies here, for comparison with the database at start. */
  list(): { blobs: string[]; parts: string[] }
}

/** Opens the folders, made when absent (mode 0700). */
export function openBlobFiles(folder: string): BlobFiles {
  const blobs = join(folder, 'blobs')
  const uploads = join(folder, 'uploads')
  for (const path of [folder, blobs, uploads]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const part = (upload: string): string => join(uploads, `${upload}.part`)
  const blob = (digest: string): string => join(blobs, digest.slice(0, 2), digest)
  const files = (path: string): string[] => readdirSync(path).filter((name) => !name.startsWith('.'))

  return {
    part,
    place(upload, digest) {
      mkdirSync(join(blobs, digest.slice(0, 2)), { recursive: true, mode: 0o700 })
      renameSync(part(upload), blob(digest))
      syncFolder(join(blobs, digest.slice(0, 2)))
      syncFolder(blobs)
    },
    takeBack(upload, digest) {
      if (existsSync(blob(digest)) && !existsSync(part(upload))) renameSync(blob(digest), part(upload))
    },
    has: (digest) => existsSync(blob(digest)),
    read: (digest, start, end) =>
      Readable.toWeb(
        createReadStream(blob(digest), { start, end: end - 1, highWaterMark: 262_144 }),
      ) as ReadableStream<Uint8Array>,
    removeBlob: (digest) => rmSync(blob(digest), { force: true }),
    removePart: (upload) => rmSync(part(upload), { force: true }),
    list: () => ({
      blobs: files(blobs).flatMap((prefix) => files(join(blobs, prefix))),
      parts: files(uploads).map((name) => name.replace(/\.part$/, '')),
    }),
  }
}

/** SHA-256 of the first `bytes` of a file. @throws `REGISTRY_STORE_FAILED` */
export async function hashFile(file: string, bytes: number): Promise<Hash> {
  const hash = createHash('sha256')
  if (bytes === 0) return hash
  try {
    for await (const chunk of createReadStream(file, {
      end: bytes - 1,
      highWaterMark: 1_048_576,
    }) as AsyncIterable<Buffer>)
      hash.update(chunk)
  } catch (error) {
    throw registryStoreError(error)
  }
  return hash
}

/** Bytes of a file; 0 where there is none. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
