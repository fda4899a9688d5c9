import { INLINE_XATTR_BYTES, type StoredXattr, encodeInlineXattrs } from './xattrs.ts'
import type { FsTime } from './times.ts'

/** Types of inodes, as they stand in their mode (ext4, "i_mode"). */
export const S_IFMT = 0xf000
export const S_IFIFO = 0x1000
export const S_IFCHR = 0x2000
export const S_IFDIR = 0x4000
export const S_IFBLK = 0x6000
export const S_IFREG = 0x8000
export const S_IFLNK = 0xa000

export const FLAG_HUGE_FILE = 0x40000
export const FLAG_EXTENTS = 0x80000

/** Bytes of an inode in the table. */
export const INODE_BYTES = 256
/** Its fields, through `i_crtime_extra`; attributes follow. */
const USED_BYTES = 152
/** Fields beyond the first 128 bytes. */
export const EXTRA_FIELD_BYTES = USED_BYTES - 128

/** Everything that is in an inode but for its times. */
export interface InodeFields {
  mode: number
  uid: number
  gid: number
  size: number
  major: number
  minor: number
}

/** A file, folder, link or device of the file system that is being made. */
export interface Inode extends InodeFields {
  readonly number: number
  links: number
  flags: number
  /** Blocks it takes, metadata of its own included. */
  blockCount: number
  atime: FsTime
  ctime: FsTime
  mtime: FsTime
  crtime: FsTime
  /** What stands in `i_block`: extents, or the target of a short symlink. */
  block: Uint8Array
  inlineXattrs: readonly StoredXattr[]
  /** Block number of {@link blockXattrs}; 0 without. */
  xattrBlock: number
  blockXattrs: readonly StoredXattr[]
  /** Of a folder: its entries by name, one character per byte. */
  readonly children: Map<string, Inode> | undefined
}

/** Whether it is a folder now. */
export function isFolder(inode: Inode): inode is Inode & { children: Map<string, Inode> } {
  return (inode.mode & S_IFMT) === S_IFDIR
}

/** The 256 bytes of an inode (ext4, "struct ext4_inode"). */
export function encodeInode(inode: Inode): Uint8Array {
  const bytes = Buffer.alloc(INODE_BYTES)
  const low = (time: FsTime): number => Number(time & 0xffffffffn)
  const high = (time: FsTime): number => Number(time >> 32n)
  bytes.writeUInt16LE(inode.mode, 0)
  bytes.writeUInt16LE(inode.uid & 0xffff, 2)
  bytes.writeUInt32LE(inode.size % 2 ** 32, 4)
  bytes.writeUInt32LE(low(inode.atime), 8)
  bytes.writeUInt32LE(low(inode.ctime), 12)
  bytes.writeUInt32LE(low(inode.mtime), 16)
  bytes.writeUInt16LE(inode.gid & 0xffff, 24)
  bytes.writeUInt16LE(inode.links & 0xffff, 26)
  bytes.writeUInt32LE(inode.blockCount, 28)
  bytes.writeUInt32LE(inode.flags, 32)
  const type = inode.mode & S_IFMT
  if (type === S_IFCHR || type === S_IFBLK) bytes.writeUInt32LE(deviceNumber(inode), 44)
  else bytes.set(inode.block, 40)
  bytes.writeUInt32LE(inode.xattrBlock, 104)
  bytes.writeUInt32LE(Math.floor(inode.size / 2 ** 32), 108)
  bytes.writeUInt16LE(inode.uid >>> 16, 120)
  bytes.writeUInt16LE(inode.gid >>> 16, 122)
  bytes.writeUInt16LE(EXTRA_FIELD_BYTES, 128)
  bytes.writeUInt32LE(high(inode.ctime), 132)
  bytes.writeUInt32LE(high(inode.mtime), 136)
  bytes.writeUInt32LE(high(inode.atime), 140)
  bytes.writeUInt32LE(low(inode.crtime), 144)
  bytes.writeUInt32LE(high(inode.crtime), 148)
  bytes.set(encodeInlineXattrs(inode.inlineXattrs) ?? new Uint8Array(INLINE_XATTR_BYTES), USED_BYTES)
  return bytes
}

/** The newer encoding of a device's number, in the second word of `i_block`. */
function deviceNumber({ major, minor }: InodeFields): number {
  return ((minor & 0xff) | (major << 8) | ((minor & 0xffffff00) << 12)) >>> 0
}
