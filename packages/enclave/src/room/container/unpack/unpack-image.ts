import { createHash } from 'node:crypto'
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { readTarStream, type TarEntry } from '@sotto/protocol/oci'
import { containerError, layoutError } from '../errors.ts'
import type { LayerRange, LayoutImage } from '../layout.ts'
import { MAX_IMAGE_ENTRIES } from '../limits.ts'
import { readRange } from '../../inputs/read-range.ts'
import { parseEntryPath, requireLinkTarget } from './entry-path.ts'
import { ImageTree, RESERVED_FOLDERS } from './image-tree.ts'

/** What is unpacked, and how much at most. */
export interface UnpackPlan extends LayoutImage {
  /** Bytes of all files. */
  readonly maxBytes: number
}

/** Of a header, an extended one with a long path, and what fills the last block. */
const ENTRY_BYTES = 8192
/** Marks of what a layer takes away (image-spec 1.1, "Whiteouts"). */
const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'

/**
 * Unpacks the layers of an image into an empty folder, lowest first. Owners, times and attributes count for nothing, nor do
 * bits of a mode but that a file is executable: everybody may read all of it. Nothing is followed, see {@link ImageTree}.
 *
 * @param fd of the tar of the layout, where `readLayout` found the layers
 * @throws `ROOM_CONTAINER_LAYOUT`, `ROOM_CONTAINER_DIGEST` for a layer that is not what its `diff_id` names; `IMAGE_INVALID`
 * and `IMAGE_UNSUPPORTED` for one that is no tar; the system's error
 */
export async function unpackImage(fd: number, folder: string, plan: UnpackPlan): Promise<void> {
  const pathOf = (steps: readonly string[]): Buffer => Buffer.from([folder, ...steps].join('/'), 'latin1')
  const tree = new ImageTree({
    makeFolder: (steps) => mkdirSync(pathOf(steps), { mode: 0o755 }),
    remove: (steps, kind) => (kind === 'folder' ? rmdirSync : unlinkSync)(pathOf(steps)),
  })
  const left = { bytes: plan.maxBytes, entries: MAX_IMAGE_ENTRIES }
  for (const [layer, range] of plan.layers.entries())
    for await (const entry of readLayer(fd, range, left)) {
      if (--left.entries < 0) throw layoutError('an image with too many files')
      await apply(entry, layer)
    }
  const top = plan.layers.length
  for (const name of RESERVED_FOLDERS) tree.putFolder([name], top)
  // One character per byte, as all paths here: of others only the last byte would count.
  const working = parseEntryPath(Buffer.from(plan.workingDirectory.slice(1), 'utf8').toString('latin1'))
  if (isFree(tree, working)) tree.folder(working, top)

  async function apply(entry: TarEntry, layer: number): Promise<void> {
    const steps = parseEntryPath(entry.path)
    const name = steps.at(-1)
    if (name?.startsWith(WHITEOUT)) return whiteOut(steps, layer)
    switch (entry.type) {
      case 'directory':
        return tree.putFolder(steps, layer)
      case 'file':
        tree.put(steps, 'file', layer)
        return write(entry, steps)
      case 'symlink':
        requireLinkTarget(entry.link, steps.length - 1)
        tree.put(steps, 'symlink', layer)
        return symlinkSync(Buffer.from(entry.link, 'latin1'), pathOf(steps))
      case 'hardlink':
        return link(entry.link, steps, layer)
      default:
        throw layoutError('a device or pipe in a layer')
    }
  }

  function whiteOut(steps: readonly string[], layer: number): void {
    const parent = steps.slice(0, -1)
    const name = steps.at(-1)!
    if (name === OPAQUE) return tree.clearInside(parent, layer)
    const hidden = name.slice(WHITEOUT.length)
    if (hidden === '' || hidden === '.' || hidden === '..' || hidden.startsWith(WHITEOUT))
      throw layoutError('a whiteout of nothing')
    tree.clear([...parent, hidden], layer)
  }

  function link(target: string, steps: readonly string[], layer: number): void {
    // As Go's tools write it, a target is a path of the layer; it may begin with the root.
    const from = parseEntryPath(target.replace(/^\//, ''))
    if (tree.find(from)?.kind !== 'file') throw layoutError('a hard link to something that is no file')
    if (from.join('/') === steps.join('/')) throw layoutError('a hard link to itself')
    tree.put(steps, 'file', layer)
    if (tree.find(from)?.kind !== 'file') throw layoutError('a hard link to something that is no file')
    linkSync(pathOf(from), pathOf(steps))
  }

  async function write({ mode, size, content }: TarEntry, steps: readonly string[]): Promise<void> {
    left.bytes -= size
    if (left.bytes < 0) throw tooLarge()
    const file = openSync(pathOf(steps), 'wx', mode & 0o111 ? 0o755 : 0o644)
    try {
      for await (const piece of content) for (let at = 0; at < piece.length;) at += writeSync(file, piece, at)
    } finally {
      closeSync(file)
    }
  }
}

/** The entries of a layer, its tar compared with the `diff_id` after the last one. */
async function* readLayer(
  fd: number,
  { offset, size, isGzip, diffId }: LayerRange,
  left: { readonly bytes: number; readonly entries: number },
): AsyncGenerator<TarEntry, void, undefined> {
  const hash = createHash('sha256')
  async function* hashed(): AsyncGenerator<Uint8Array> {
    const stored = readRange(fd, offset, size)
    for await (const piece of isGzip ? gunzip(stored) : stored) {
      hash.update(piece)
      yield piece
    }
  }
  const limits = { maxEntries: left.entries, maxBytes: left.bytes + ENTRY_BYTES * left.entries }
  yield* readTarStream(hashed(), limits)
  if (hash.digest('hex') !== diffId)
    throw containerError('ROOM_CONTAINER_DIGEST', { found: 'a layer that is not what its diff_id says' })
}

async function* gunzip(stored: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // A piece is overwritten once the next one is asked for, and zlib asks early.
  async function* copied(): AsyncGenerator<Uint8Array> {
    for await (const piece of stored) yield piece.slice()
  }
  const clear = pipeline(Readable.from(copied()), createGunzip(), () => {})
  try {
    for await (const piece of clear) yield piece as Buffer
  } catch (cause) {
    if (!String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) throw cause
    throw layoutError('a layer that is no gzip file')
  } finally {
    clear.destroy()
  }
}

/** Whether nothing is on the way to a path but folders. A link there may lead to a folder: only the job follows it. */
function isFree(tree: ImageTree, steps: readonly string[]): boolean {
  for (let depth = 1; depth <= steps.length; depth++) {
    const kind = tree.find(steps.slice(0, depth))?.kind
    if (kind !== undefined && kind !== 'folder') return false
  }
  return true
}

/** What an image says that needs more than a room unpacks. */
export function tooLarge(): Error {
  return layoutError('an image with more bytes than a room unpacks')
}
