import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import {
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises'
import { join } from 'node:path'
import type { SottoError } from '@sotto/protocol/errors'
import type { Descriptor, Digest } from '@sotto/protocol/oci'
import { cliError } from '../errors.ts'

const PIECE_BYTES = 1024 * 1024

/** What identifies a blob. */
export type BlobId = Pick<Descriptor, 'digest' | 'size'>

/** Content by digest, in the folder of an OCI image layout. Names are digests, so a file that is there is whole. */
export interface BlobStore {
  /** `blobs/sha256` of the layout. */
  readonly folder: string
  path(digest: Digest): string
  /** Whether a file of the name and size is there; its bytes were not read. */
  has(blob: BlobId): Promise<boolean>
  /** All of a small blob. @throws `IMAGE_DIGEST`, `IMAGE_INVALID` when it is missing */
  read(blob: BlobId): Promise<Uint8Array>
  /** A blob piece by piece, which fails at its end where the digest is another. @throws as `read` */
  stream(blob: BlobId): AsyncGenerator<Uint8Array, void, undefined>
  /** Keeps what is written; under its digest once it is whole, nothing before. @throws `CLI_FILE` */
  put(chunks: AsyncIterable<Uint8Array>): Promise<BlobId & { isNew: boolean }>
  /**
   * Takes over a blob of another store, by a hard link where it can, after its bytes were checked. A file of that name is
   * there until it is replaced. @throws as `read`, `CLI_FILE`
   */
  take(blob: BlobId, from: BlobStore): Promise<{ isNew: boolean }>
  remove(digest: Digest): Promise<void>
  /** Removes every other file, as far as it can. */
  prune(keep: readonly Digest[]): Promise<void>
}

/** The store in a layout's folder, which need not exist before something is put. */
export function openBlobs(layout: string): BlobStore {
  const folder = join(layout, 'blobs', 'sha256')
  const path = (digest: Digest): string => join(folder, digest.slice('sha256:'.length))
  const store: BlobStore = {
    folder,
    path,
    async has({ digest, size }) {
      const found = await stat(path(digest)).catch(() => undefined)
      return found?.isFile() === true && found.size === size
    },
    async read(blob) {
      const parts: Uint8Array[] = []
      for await (const piece of store.stream(blob)) parts.push(piece)
      return Buffer.concat(parts)
    },
    async *stream({ digest, size }) {
      const hash = createHash('sha256')
      let bytes = 0
      try {
        for await (const piece of createReadStream(path(digest), { highWaterMark: PIECE_BYTES })) {
          bytes += (piece as Buffer).length
          if (bytes > size) break
          hash.update(piece as Buffer)
          yield piece as Buffer
        }
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === undefined) throw cause
        throw cliError('IMAGE_INVALID', 'a blob of the image cannot be read', { found: digest, cause })
      }
      const found = hash.digest('hex')
      if (bytes !== size || `sha256:${found}` !== digest)
        throw cliError('IMAGE_DIGEST', 'a blob of the image is not what its name says', {
          expected: `${digest}, ${size} bytes`,
          found: bytes > size ? 'more bytes' : `sha256:${found}, ${bytes} bytes`,
        })
    },
    async put(chunks) {
      const part = await openPart(folder)
      try {
        const hash = createHash('sha256')
        let size = 0
        for await (const chunk of chunks) {
          hash.update(chunk)
          size += chunk.length
          await orDiskError(part.file.writeFile(chunk))
        }
        const digest: Digest = `sha256:${hash.digest('hex')}`
        return { digest, size, isNew: await part.keepAs(path(digest)) }
      } catch (error) {
        await part.drop()
        throw error
      }
    },
    async take(blob, from) {
      for await (const _ of from.stream(blob));
      const source = from.path(blob.digest)
      const part = await makePartPath(folder)
      try {
        await orDiskError(link(source, part).catch(() => copyWhole(source, part)))
        // Over one that is there, which may be damaged, and which an index may name: it is never gone in between.
        return { isNew: await nameAs(part, path(blob.digest)) }
      } finally {
        // Two links of one file stay two: rename(2) does nothing then.
        await rm(part, { force: true })
      }
    },
    remove: (digest) => rm(path(digest), { force: true }),
    async prune(keep) {
      const kept = new Set<string>(keep)
      const names = await readdir(folder).catch((): string[] => [])
      for (const name of names)
        if (!kept.has(`sha256:${name}`)) await rm(join(folder, name), { force: true }).catch(() => {})
    },
  }
  return store
}

/** A file that is being written, under a name that stands for nothing. */
interface Part {
  path: string
  file: FileHandle
  /** Gives it its name. @returns false where a file of that name was there, with the same bytes by its name */
  keepAs(target: string): Promise<boolean>
  drop(): Promise<void>
}

async function openPart(folder: string): Promise<Part> {
  const path = await makePartPath(folder)
  const file = await orDiskError(open(path, 'wx', 0o644))
  const drop = async (): Promise<void> => {
    await file.close().catch(() => {})
    await rm(path, { force: true })
  }
  return {
    path,
    file,
    drop,
    async keepAs(target) {
      await orDiskError(file.sync())
      await file.close()
      return nameAs(path, target)
    },
  }
}

/** A name that stands for nothing, in a folder that is there. */
async function makePartPath(folder: string): Promise<string> {
  await orDiskError(mkdir(folder, { recursive: true }))
  return join(folder, `.${randomBytes(8).toString('hex')}.part`)
}

/** Gives a whole file its name. @returns whether there was none of that name */
async function nameAs(part: string, target: string): Promise<boolean> {
  const isNew = (await stat(target).catch(() => undefined)) === undefined
  await orDiskError(rename(part, target))
  return isNew
}

async function copyWhole(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  const file = await open(target, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Writes a small file whole or not at all. @throws `CLI_FILE` */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${randomBytes(8).toString('hex')}.part`
  try {
    const file = await orDiskError(open(part, 'wx', 0o644))
    try {
      await orDiskError(file.writeFile(bytes))
      await orDiskError(file.sync())
    } finally {
      await file.close()
    }
    await orDiskError(rename(part, path))
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** A small file of an image. @throws `IMAGE_INVALID` where it is missing or larger */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw cliError('IMAGE_INVALID', 'a file of the image cannot be read', { found: path, cause })
  })
  if (size > maxBytes)
    throw cliError('IMAGE_INVALID', 'a file of the image is too large', {
      expected: `${maxBytes} bytes at most`,
      found: `${path}, ${size} bytes`,
    })
  return readFile(path)
}

/** @throws `CLI_FILE` that says whether the disk is full */
export async function orDiskError<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing
  } catch (cause) {
    throw diskError(cause)
  }
}

function diskError(cause: unknown): SottoError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '')
  return cliError('CLI_FILE', isFull ? 'the disk is full' : 'cannot write the image', {
    cause,
    hint: isFull ? 'make room and run the command again' : 'choose another folder with --out',
  })
}
