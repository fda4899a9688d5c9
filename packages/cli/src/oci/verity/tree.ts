import { shownPath, type TarEntry } from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'
import type { BlockStream } from './block-stream.ts'
import { encodeExtents, MAX_EXTENT_BLOCKS } from './extents.ts'
import {
  FLAG_EXTENTS,
  FLAG_HUGE_FILE,
  type Inode,
  type InodeFields,
  isFolder,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './inode.ts'
import { BLOCK_BYTES } from './merkle.ts'
import { baseName, cleanPath, parentPath, pathSteps } from './paths.ts'
import { type FsTime, inheritTime, toFsTime } from './times.ts'
import { encodeXattrBlock, placeXattrs, readBack } from './xattrs.ts'

/** What a new file is to be. */
export interface NewFile extends InodeFields {
  atime: FsTime
  ctime: FsTime
  mtime: FsTime
  crtime: FsTime
  /** Target of a symlink. */
  link: string
  xattrs: ReadonlyMap<string, Uint8Array>
}

/** First inode that is not reserved; that of `lost+found`, which checkers of file systems want. */
export const FIRST_INODE = 11
/** Number of the root folder. */
const ROOT_INODE = 2
/** A symlink up to here stands in its inode. */
const SHORT_LINK_BYTES = 59
const MAX_LINKS = 65_000
const MAX_NAME_BYTES = 255

/**
 * The tree of a file system that is being written, with the rules of the reference for entries that come twice: inodes are
 * numbered as they are first named, and content that lies on the device already is never given up.
 */
export interface FileTree {
  /** By number less one; reserved ones are undefined. */
  readonly inodes: readonly (Inode | undefined)[]
  readonly root: Inode
  /** Makes the folders on the way to a path, with what the folder above each has. */
  makeParents(path: string): void
  /** Adds a file, or changes one that is there. @returns its inode; the content of a regular file is to follow */
  create(path: string, file: NewFile): Inode
  /** Adds a hard link. */
  link(target: string, path: string): void
  /** What a folder is now, to be created again. */
  stat(path: string): NewFile
  /** Describes content that was just appended to the device. */
  finishContent(inode: Inode, start: number): void
}

/** The fields of an entry of a layer. */
export function newFile(entry: TarEntry, type: number): NewFile {
  const { uid, gid, size, major, minor, link, xattrs } = entry
  const [atime, ctime, mtime] = [toFsTime(entry.atime), toFsTime(entry.ctime), toFsTime(entry.mtime)]
  const mode = type | entry.mode | (type === S_IFLNK ? 0o777 : 0)
  return { mode, uid, gid, size, major, minor, link, xattrs, atime, ctime, mtime, crtime: mtime }
}

/** A new file system with its root and `lost+found`. */
export function createTree(device: BlockStream): FileTree {
  const inodes: (Inode | undefined)[] = [undefined]
  const root = makeInode(plainFolder(0o755), undefined, '/')
  root.links++
  while (inodes.length < FIRST_INODE - 1) inodes.push(undefined)
  if (root.number !== ROOT_INODE) throw new RangeError('the root has another number')

  const tree: FileTree = {
    inodes,
    root,
    makeParents(path) {
      let folder = root
      let way = ''
      for (const name of pathSteps(parentPath(cleanPath(path)))) {
        way += `/${name}`
        if (folder.children?.has(name) !== true) tree.create(way, inherit(folder))
        folder = folder.children!.get(name)!
      }
    },
    create(path, file) {
      const { folder, found, name } = lookup(path)
      const isNewFolder = (file.mode & S_IFMT) === S_IFDIR
      if (found !== undefined && isFolder(found) !== isNewFolder)
        throw refused('replaces a folder with something else, or the reverse', path)
      if (found === undefined && isNewFolder && folder.links >= MAX_LINKS)
        throw refused('has too many folders in one', path)
      // Another name may lead to the same file: it stays what it is.
      const reuse = found !== undefined && (isFolder(found) || found.links < 2) ? found : undefined
      const inode = makeInode(file, reuse, path)
      if (inode !== found) {
        if (found !== undefined) found.links--
        folder.children.set(name, inode)
        inode.links++
        if (isNewFolder) folder.links++
      }
      return inode
    },
    link(target, path) {
      const { folder, found, name } = lookup(path)
      if (found !== undefined && (isFolder(found) || found.links < 2))
        throw refused('replaces something with a hard link', path)
      const file = lookup(target).found
      if (file === undefined || isFolder(file)) throw refused('has a hard link to no file', path)
      if (found !== file && file.links >= MAX_LINKS)
        throw refused('has too many hard links to one file', path)
      if (found !== undefined) found.links--
      file.links++
      folder.children.set(name, file)
    },
    stat(path) {
      const { found } = lookup(path)
      if (found === undefined || !isFolder(found)) throw refused('marks no folder as opaque', path)
      const xattrs = new Map([...readBack(found.blockXattrs), ...readBack(found.inlineXattrs)])
      return { ...inherit(found), mode: found.mode, xattrs }
    },
    finishContent(inode, start) {
      device.align()
      const blocks = device.block() - start
      if (blocks > MAX_EXTENT_BLOCKS)
        throw cliError('IMAGE_UNSUPPORTED', 'a layer has a file that is too large', {
          expected: `${MAX_EXTENT_BLOCKS * BLOCK_BYTES} bytes at most`,
        })
      if (blocks === 0) return
      const { root, leaf } = encodeExtents(start, blocks)
      if (leaf !== undefined) device.append(leaf)
      inode.block = root
      inode.flags |= FLAG_EXTENTS
      inode.blockCount += device.block() - start
    },
  }

  function makeInode(file: NewFile, reuse: Inode | undefined, path: string): Inode {
    if (reuse !== undefined && (reuse.flags & FLAG_EXTENTS) !== 0)
      throw refused('has content twice for one name', path)
    const isNewFolder = (file.mode & S_IFMT) === S_IFDIR
    const inode: Inode = reuse ?? {
      ...file,
      number: inodes.length + 1,
      links: isNewFolder ? 1 : 0,
      flags: 0,
      blockCount: 0,
      block: new Uint8Array(),
      inlineXattrs: [],
      xattrBlock: 0,
      blockXattrs: [],
      children: isNewFolder ? new Map() : undefined,
    }
    // Those in the inode stay unless they are given anew; those in its block do not.
    const kept = readBack(inode.inlineXattrs)
    const { mode, uid, gid, major, minor, atime, ctime, mtime, crtime } = file
    const isLink = (mode & S_IFMT) === S_IFLNK
    const isFile = (mode & S_IFMT) === S_IFREG
    const target = Buffer.from(isLink ? file.link : '', 'latin1')
    Object.assign(inode, { mode, uid, gid, major, minor, atime, ctime, mtime, crtime })
    inode.flags = FLAG_HUGE_FILE
    inode.block = target.length <= SHORT_LINK_BYTES ? target : new Uint8Array()
    placeAttributes(inode, new Map([...kept, ...file.xattrs]), path)
    inode.size = isFile ? file.size : target.length
    if (target.length > SHORT_LINK_BYTES) {
      const start = device.block()
      device.append(target)
      tree.finishContent(inode, start)
    }
    if (reuse === undefined) inodes.push(inode)
    return inode
  }

  function placeAttributes(inode: Inode, xattrs: ReadonlyMap<string, Uint8Array>, path: string): void {
    const { inline, block } = placeXattrs(xattrs, path)
    inode.inlineXattrs = inline
    inode.blockXattrs = block
    if (inode.xattrBlock !== 0) return device.rewrite(inode.xattrBlock, encodeXattrBlock(block))
    if (block.length === 0) return
    inode.xattrBlock = device.block()
    inode.blockCount++
    device.append(encodeXattrBlock(block))
  }

  function lookup(path: string): {
    folder: Inode & { children: Map<string, Inode> }
    found: Inode | undefined
    name: string
  } {
    const clean = cleanPath(path)
    const top = root as Inode & { children: Map<string, Inode> }
    if (clean === '') return { folder: top, found: top, name: '' }
    const name = baseName(clean)
    if (name.length > MAX_NAME_BYTES) throw refused('has a name that is too long', path)
    let folder: Inode | undefined = root
    for (const step of pathSteps(parentPath(clean))) folder = folder?.children?.get(step)
    if (folder === undefined || !isFolder(folder))
      throw refused('has a path through something that is no folder', path)
    return { folder, found: folder.children.get(name), name }
  }

  tree.create('lost+found', plainFolder(0o700))
  return tree
}

function plainFolder(mode: number): NewFile {
  const times = { atime: 0n, ctime: 0n, mtime: 0n, crtime: 0n }
  return {
    mode: S_IFDIR | mode,
    uid: 0,
    gid: 0,
    size: 0,
    major: 0,
    minor: 0,
    link: '',
    xattrs: new Map(),
    ...times,
  }
}

/** What a folder that nobody named gets of the one above it: all but its attributes. */
function inherit(folder: Inode): NewFile {
  const { mode, uid, gid, major, minor } = folder
  return {
    mode,
    uid,
    gid,
    size: 0,
    major,
    minor,
    link: '',
    xattrs: new Map(),
    atime: inheritTime(folder.atime),
    ctime: inheritTime(folder.ctime),
    mtime: inheritTime(folder.mtime),
    crtime: inheritTime(folder.crtime),
  }
}

/** What the reference does not convert either, or what would need more than is proven here. */
function refused(what: string, path: string): Error {
  return cliError('IMAGE_UNSUPPORTED', `a layer ${what}`, { found: shownPath(path) })
}
