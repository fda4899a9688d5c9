import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { syncFolder } from '../store/durable-file.ts'
import { streamFile } from '../store/files.ts'

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
    read: (digest, start, end) => streamFile(blob(digest), start, end),
    removeBlob: (digest) => rmSync(blob(digest), { force: true }),
    removePart: (upload) => rmSync(part(upload), { force: true }),
    list: () => ({
      blobs: files(blobs).flatMap((prefix) => files(join(blobs, prefix))),
      parts: files(uploads).map((name) => name.replace(/\.part$/, '')),
    }),
  }
}
