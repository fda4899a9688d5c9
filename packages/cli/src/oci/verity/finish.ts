import { cliError } from '../../errors.ts'
import type { BlockSink, BlockStream } from './block-stream.ts'
import { EXTRA_FIELD_BYTES, encodeInode, type Inode, INODE_BYTES, isFolder, S_IFMT } from './inode.ts'
import { BLOCK_BYTES } from './merkle.ts'
import { FIRST_INODE, type FileTree } from './tree.ts'
import { byBytes } from './xattrs.ts'

const BLOCKS_PER_GROUP = BLOCK_BYTES * 8
const MAX_INODES_PER_GROUP = BLOCK_BYTES * 8
const INODES_PER_BLOCK = BLOCK_BYTES / INODE_BYTES
const DESCRIPTOR_BYTES = 32
const DESCRIPTORS_PER_BLOCK = BLOCK_BYTES / DESCRIPTOR_BYTES
/** Room for the descriptors of 128 GiB, which the reference reserves for every layer. */
const DESCRIPTOR_BLOCKS = 8
/** First block of content: behind the superblock and the descriptors. */
export const FIRST_BLOCK = 1 + DESCRIPTOR_BLOCKS

/** Type of a directory entry by type of inode (ext4, "Directory File Types"). */
const ENTRY_TYPES: Readonly<Record<number, number>> = {
  0x8000: 1,
  0x4000: 2,
  0x2000: 3,
  0x6000: 4,
  0x1000: 5,
  0xa000: 7,
}
/** Inode, lengths and type in front of a name. */
const ENTRY_HEADER = 8
/** Room that stays for the entry which fills a block. */
const LAST_ENTRY = 12

/** Writes what follows the content: folders, the table of inodes, bitmaps, descriptors and the superblock. */
export function finishFileSystem(tree: FileTree, device: BlockStream, sink: BlockSink): void {
  writeFolder(tree.root, tree.root, tree, device)
  const table = device.block()
  const { groups, inodesPerGroup } = chooseGroups(table, tree.inodes.length)
  if (Math.ceil(groups / DESCRIPTORS_PER_BLOCK) > DESCRIPTOR_BLOCKS)
    throw cliError('IMAGE_UNSUPPORTED', 'a layer needs more than 128 GiB')
  for (const inode of tree.inodes)
    device.append(inode === undefined ? new Uint8Array(INODE_BYTES) : encodeInode(inode))
  device.align()
  const tableBlocks = (groups * inodesPerGroup) / INODES_PER_BLOCK
  device.zeros(table + tableBlocks - device.block())

  const bitmaps = device.block()
  const used = bitmaps + groups * 2
  const blocks = Math.max(used, (groups - 1) * BLOCKS_PER_GROUP + 1)
  const descriptors = Buffer.alloc(DESCRIPTOR_BLOCKS * BLOCK_BYTES)
  const total = { blocks: 0, inodes: 0 }
  for (let group = 0; group < groups; group++) {
    const space = { group, groups, used, blocks }
    const blockBitmap = Buffer.alloc(BLOCK_BYTES)
    const usedBlocks = fillBlockBitmap(blockBitmap, space)
    const inodeBitmap = Buffer.alloc(BLOCK_BYTES)
    const { usedInodes, folders } = fillInodeBitmap(inodeBitmap, group * inodesPerGroup, inodesPerGroup, tree)
    device.append(blockBitmap)
    device.append(inodeBitmap)
    const at = group * DESCRIPTOR_BYTES
    descriptors.writeUInt32LE(bitmaps + 2 * group, at)
    descriptors.writeUInt32LE(bitmaps + 2 * group + 1, at + 4)
    descriptors.writeUInt32LE(table + (group * inodesPerGroup) / INODES_PER_BLOCK, at + 8)
    descriptors.writeUInt16LE((BLOCKS_PER_GROUP - usedBlocks) & 0xffff, at + 12)
    descriptors.writeUInt16LE((inodesPerGroup - usedInodes) & 0xffff, at + 14)
    descriptors.writeUInt16LE(folders & 0xffff, at + 16)
    total.blocks += usedBlocks
    total.inodes += usedInodes
  }
  device.zeros(blocks - used)
  for (let block = 0; block < DESCRIPTOR_BLOCKS; block++)
    sink.write(1 + block, descriptors.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES))
  const free = {
    blocks: BLOCKS_PER_GROUP * groups - total.blocks,
    inodes: inodesPerGroup * groups - total.inodes,
  }
  sink.write(0, encodeSuperblock(inodesPerGroup * groups, blocks, inodesPerGroup, free))
}

/** Folders after one another, each before those in it, by number of inode. */
function writeFolder(folder: Inode, parent: Inode, tree: FileTree, device: BlockStream): void {
  const start = device.block()
  const entries = [...folder.children!].sort(([a, x], [b, y]) => x.number - y.number || byBytes(a, b))
  let left = BLOCK_BYTES
  const endBlock = (): void => {
    const last = Buffer.alloc(left)
    last.writeUInt16LE(left, 4)
    device.append(last)
    left = BLOCK_BYTES
  }
  const writeEntry = (name: string, inode: Inode): void => {
    const length = (ENTRY_HEADER + name.length + 3) & ~3
    if (left < length + LAST_ENTRY) endBlock()
    const entry = Buffer.alloc(length)
    entry.writeUInt32LE(inode.number, 0)
    entry.writeUInt16LE(length, 4)
    entry[6] = name.length
    entry[7] = ENTRY_TYPES[inode.mode & S_IFMT] ?? 0
    entry.write(name, ENTRY_HEADER, 'latin1')
    device.append(entry)
    left -= length
  }
  writeEntry('.', folder)
  writeEntry('..', parent)
  for (const [name, inode] of entries) writeEntry(name, inode)
  endBlock()
  folder.size = (device.block() - start) * BLOCK_BYTES
  tree.finishContent(folder, start)
  for (const [, inode] of entries) if (isFolder(inode)) writeFolder(inode, folder, tree, device)
}

/** The smallest number of groups, and of the ways to have it the one with the fewest inodes. */
function chooseGroups(blocks: number, inodes: number): { groups: number; inodesPerGroup: number } {
  let best = { groups: Infinity, inodesPerGroup: 0 }
  for (let per = INODES_PER_BLOCK; per <= MAX_INODES_PER_GROUP; per += INODES_PER_BLOCK) {
    // Two blocks of each are its bitmaps.
    const dataPerGroup = BLOCKS_PER_GROUP - per / INODES_PER_BLOCK - 2
    const least = Math.floor((inodes - 1) / per) * dataPerGroup + 1
    const groups = Math.ceil(Math.max(blocks, least) / dataPerGroup)
    if (groups < best.groups) best = { groups, inodesPerGroup: per }
  }
  return best
}

/** Where a group lies in the device. */
interface Space {
  group: number
  groups: number
  /** Blocks from the first on that hold something. */
  used: number
  /** Blocks of the whole device. */
  blocks: number
}

/** @returns how many blocks of the group are taken */
function fillBlockBitmap(bitmap: Buffer, { group, groups, used, blocks }: Space): number {
  const first = group * BLOCKS_PER_GROUP
  let count = Math.min(Math.max(used - first, 0), BLOCKS_PER_GROUP)
  for (let bit = 0; bit < count; bit++) setBit(bitmap, bit)
  if (group === 0)
    for (let bit = 1 + Math.ceil(groups / DESCRIPTORS_PER_BLOCK); bit < FIRST_BLOCK; bit++) {
      bitmap[bit >> 3]! &= ~(1 << (bit & 7))
      count--
    }
  // What lies behind the end of the device is taken.
  if (group === groups - 1 && blocks % BLOCKS_PER_GROUP !== 0)
    for (let bit = blocks % BLOCKS_PER_GROUP; bit < BLOCKS_PER_GROUP; bit++) {
      setBit(bitmap, bit)
      count++
    }
  return count
}

function fillInodeBitmap(
  bitmap: Buffer,
  first: number,
  count: number,
  { inodes }: FileTree,
): { usedInodes: number; folders: number } {
  let [usedInodes, folders] = [0, 0]
  for (let bit = 0; bit < count; bit++) {
    const inode = inodes[first + bit]
    if (first + bit + 1 >= FIRST_INODE && inode === undefined) continue
    setBit(bitmap, bit)
    usedInodes++
    if (inode !== undefined && isFolder(inode)) folders++
  }
  return { usedInodes, folders }
}

function setBit(bitmap: Buffer, bit: number): void {
  bitmap[bit >> 3]! |= 1 << (bit & 7)
}

/** The block with the superblock at byte 1,024 (ext4, "struct ext4_super_block"). */
function encodeSuperblock(
  inodes: number,
  blocks: number,
  inodesPerGroup: number,
  free: { blocks: number; inodes: number },
): Uint8Array {
  const bytes = Buffer.alloc(BLOCK_BYTES)
  const u32 = (offset: number, value: number): void => void bytes.writeUInt32LE(value, 1024 + offset)
  const u16 = (offset: number, value: number): void => void bytes.writeUInt16LE(value, 1024 + offset)
  u32(0x00, inodes)
  u32(0x04, blocks)
  u32(0x0c, free.blocks)
  u32(0x10, free.inodes)
  u32(0x18, 2) // blocks of 2^(10 + 2) bytes
  u32(0x1c, 2) // clusters likewise
  u32(0x20, BLOCKS_PER_GROUP)
  u32(0x24, BLOCKS_PER_GROUP)
  u32(0x28, inodesPerGroup)
  u16(0x38, 0xef53) // magic
  u16(0x3a, 1) // cleanly unmounted
  u16(0x3c, 1) // goes on after errors
  u32(0x4c, 1) // inodes of more than 128 bytes
  u32(0x54, FIRST_INODE)
  u16(0x58, INODE_BYTES)
  u32(0x5c, 0x208) // sparse_super2, ext_attr
  u32(0x60, 0x242) // filetype, extents, flex_bg
  u32(0x64, 0x104a) // large_file, huge_file, extra_isize, readonly
  u16(0x15c, EXTRA_FIELD_BYTES)
  u16(0x15e, EXTRA_FIELD_BYTES)
  bytes[1024 + 0x174] = 31 // log of the groups in a flexible one
  u32(0x268, FIRST_INODE) // lost+found
  return bytes
}
