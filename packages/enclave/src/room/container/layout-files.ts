import { createHash } from 'node:crypto'
import { readTarStream, type TarEntry } from '@sotto/protocol/oci'
import { containerError, layoutError } from './errors.ts'
import { MAX_LAYOUT_BYTES, MAX_LAYOUT_ENTRIES } from './limits.ts'
import { readRange } from '../inputs/read-range.ts'

/** Where a file of a layout lies in its tar. */
export interface FileRange {
  readonly offset: number
  readonly size: number
}

/** What lies in the tar of an OCI image layout (image-spec 1.1, "Image Layout"). */
export interface LayoutFiles {
  readonly version: FileRange
  readonly index: FileRange
  /** By `sha256:…`; the bytes of each were compared with its name. */
  readonly blobs: ReadonlyMap<string, FileRange>
}

const FOLDERS: ReadonlySet<string> = new Set(['', 'blobs', 'blobs/sha256'])
const BLOB = /^blobs\/sha256\/([0-9a-f]{64})$/

/**
 * Finds the files of a layout and compares every blob with its name.
 * @param fd of a file that nobody changes; its owner chose every byte
 * @throws `ROOM_CONTAINER_LAYOUT` for anything that no layout has, `ROOM_CONTAINER_DIGEST`; `IMAGE_INVALID`,
 * `IMAGE_UNSUPPORTED` for what is no tar; the reason of `signal`
 */
export async function findLayoutFiles(fd: number, bytes: number, signal?: AbortSignal): Promise<LayoutFiles> {
  const found = new Map<string, FileRange>()
  const limits = { maxEntries: MAX_LAYOUT_ENTRIES, maxBytes: MAX_LAYOUT_BYTES }
  for await (const entry of readTarStream(readRange(fd, 0, bytes), limits)) {
    const path = entry.path.replace(/^\.\//, '').replace(/^\.$/, '').replace(/\/$/, '')
    if (entry.type === 'directory' && FOLDERS.has(path)) continue
    const digest = BLOB.exec(path)?.[1]
    if (entry.type !== 'file' || (digest === undefined && path !== 'oci-layout' && path !== 'index.json'))
      throw layoutError('a file, folder or link that no layout has')
    const key = digest === undefined ? path : `sha256:${digest}`
    if (found.has(key)) throw layoutError('a file of the layout stands twice')
    if (digest !== undefined) await requireDigest(entry, digest, signal)
    found.set(key, { offset: entry.offset, size: entry.size })
  }
  const version = found.get('oci-layout')
  const index = found.get('index.json')
  if (version === undefined || index === undefined) throw layoutError('no oci-layout or no index.json')
  found.delete('oci-layout')
  found.delete('index.json')
  return { version, index, blobs: found }
}

async function requireDigest({ content }: TarEntry, expected: string, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256')
  for await (const piece of content) {
    signal?.throwIfAborted()
    hash.update(piece)
  }
  if (hash.digest('hex') !== expected)
    throw containerError('ROOM_CONTAINER_DIGEST', { found: 'a blob that is not what its name says' })
}
