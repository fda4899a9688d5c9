import {
  readTarStream,
  shownPath,
  type TarEntry,
  type TarEntryType,
  type TarLimits,
} from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'
import { type BlockSink, type BlockStream, createBlockStream } from './block-stream.ts'
import { FIRST_BLOCK, finishFileSystem } from './finish.ts'
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from './inode.ts'
import { createVerityTree } from './merkle.ts'
import { cleanPath } from './paths.ts'
import { createTree, type FileTree, newFile } from './tree.ts'

const TYPES: Readonly<Record<Exclude<TarEntryType, 'hardlink'>, number>> = {
  file: S_IFREG,
  directory: S_IFDIR,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
}

/** Names by which a layer takes away what those below it have (OCI image-spec, "Whiteouts"). */
const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
/** overlayfs's mark of a folder that hides what lies below it. */
const OPAQUE_XATTR = 'trusted.overlay.opaque'

/**
 * Root hash of the dm-verity device that Confidential ACI makes of a layer, as its policy names it: the tar becomes an
 * ext4 file system laid out byte by byte as `tar2ext4` of hcsshim does, whiteouts turned into those of overlayfs.
 * Nothing is written anywhere; memory grows with the number of entries, and by 32 bytes for 4 KiB of content.
 *
 * @param tar the layer, decompressed @returns 64 hexadecimal characters
 * @throws `IMAGE_INVALID`, `IMAGE_UNSUPPORTED` for what the reference refuses too, or what is not proven to be the same:
 *   sparse files, more than 12 extended attributes outside an inode, files beyond 40 GiB
 */
export async function hashLayer(tar: AsyncIterable<Uint8Array>, limits?: TarLimits): Promise<string> {
  const verity = createVerityTree()
  await writeLayer(tar, verity, limits)
  return verity.root()
}

/** Writes the file system of a layer into a sink: blocks in any order, some of them twice. @throws as {@link hashLayer} */
export async function writeLayer(
  tar: AsyncIterable<Uint8Array>,
  sink: BlockSink,
  limits?: TarLimits,
): Promise<void> {
  const device = createBlockStream(sink, FIRST_BLOCK)
  const tree = createTree(device)
  for await (const entry of readTarStream(tar, limits)) {
    tree.makeParents(entry.path)
    if (!applyWhiteout(tree, entry)) await addEntry(tree, device, entry)
  }
  finishFileSystem(tree, device, sink)
}

async function addEntry(tree: FileTree, device: BlockStream, entry: TarEntry): Promise<void> {
  const { path, type } = entry
  if (type === 'hardlink') return tree.link(entry.link, path)
  const inode = tree.create(path, newFile(entry, TYPES[type]))
  if (entry.size === 0) return
  const start = device.block()
  for await (const piece of entry.content) device.append(piece)
  tree.finishContent(inode, start)
}

function applyWhiteout(tree: FileTree, entry: TarEntry): boolean {
  const slash = entry.path.lastIndexOf('/') + 1
  const [folder, name] = [entry.path.slice(0, slash), entry.path.slice(slash)]
  if (!name.startsWith(WHITEOUT)) return false
  if (entry.size !== 0)
    throw cliError('IMAGE_UNSUPPORTED', 'a layer has a whiteout with content', {
      found: shownPath(entry.path),
    })
  if (name === OPAQUE) {
    const opaque = tree.stat(folder)
    tree.create(folder, {
      ...opaque,
      xattrs: new Map([...opaque.xattrs, [OPAQUE_XATTR, Buffer.from('y')]]),
    })
    return true
  }
  const nothing = { seconds: -62_135_596_800n, nanoseconds: 0 }
  const whiteout = { ...entry, mode: 0, uid: 0, gid: 0, major: 0, minor: 0, link: '', mtime: nothing }
  tree.create(
    cleanPath(folder + name.slice(WHITEOUT.length)),
    newFile({ ...whiteout, atime: undefined, ctime: undefined, xattrs: new Map() }, S_IFCHR),
  )
  return true
}
