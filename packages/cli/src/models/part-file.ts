import { type FileHandle, open, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliError } from '../errors.ts'
import { formatBytes } from '../terminal/index.ts'
import type { HubFile } from './hub.ts'

/** Name of the file that collects the bytes; bound to their digest, so that other bytes never mix in. */
export function partName(file: Pick<HubFile, 'digest'>): string {
  return `.${file.digest.hex.slice(0, 32)}.part`
}

/** A file that is being fetched. What is written stays there until it is whole, or found to be wrong. */
export interface PartFile {
  readonly path: string
  /** Bytes that are there. */
  size(): Promise<number>
  append(chunk: Uint8Array): Promise<void>
  /** Forgets all bytes. */
  empty(): Promise<void>
  /** The strong entity tag (RFC 9110, 8.8.3) of the answer that the bytes began with. */
  readEtag(): Promise<string | undefined>
  writeEtag(etag: string | null): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
  /** Makes it the file it is to be. */
  moveTo(target: string): Promise<void>
  /** Removes it and all that belongs to it. */
  remove(): Promise<void>
}

/** A tag in quotes and without `W/`: with a weak one the bytes may differ, and ranges must not be joined by it. */
const STRONG_ETAG = /^"[\x21\x23-\x7e]{1,256}"$/

/** Opens it, or makes it. @throws `CLI_FILE`, as every method does */
export async function openPart(folder: string, file: Pick<HubFile, 'digest'>): Promise<PartFile> {
  const path = join(folder, partName(file))
  const tag = `${path}.etag`
  const handle = await orDiskError(open(path, 'a+', 0o600))
  return {
    path,
    size: async () => (await handle.stat()).size,
    append: (chunk) => orDiskError(writeAll(handle, chunk)),
    empty: () => orDiskError(handle.truncate(0)),
    async readEtag() {
      const etag = await readFile(tag, 'latin1').catch(() => '')
      return STRONG_ETAG.test(etag) ? etag : undefined
    },
    writeEtag: (etag) =>
      orDiskError(
        etag !== null && STRONG_ETAG.test(etag)
          ? writeFile(tag, etag, { mode: 0o600 })
          : rm(tag, { force: true }),
      ),
    sync: () => orDiskError(handle.datasync()),
    close: () => handle.close(),
    async moveTo(target) {
      await orDiskError(rename(path, target))
      await rm(tag, { force: true })
    },
    async remove() {
      await rm(path, { force: true })
      await rm(tag, { force: true })
    },
  }
}

/** Refuses what cannot fit before it is fetched. @throws `CLI_FILE` */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await orDiskError(statfs(folder))
  if (bytes <= bavail * bsize) return
  throw cliError('CLI_FILE', 'there is not enough room for the model', {
    expected: formatBytes(bytes),
    found: formatBytes(bavail * bsize),
    hint: 'make room, or choose another folder with --dir',
  })
}

/** @throws `CLI_FILE` that says whether the disk is full */
export async function orDiskError<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing
  } catch (cause) {
    const full = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '')
    throw cliError('CLI_FILE', full ? 'the disk is full' : 'cannot write the model', {
      cause,
      hint: full
        ? 'make room and pull again: it goes on where it stopped'
        : 'choose another folder with --dir',
    })
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await handle.write(chunk, at)).bytesWritten
}
