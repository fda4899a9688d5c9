import { BLOCK_BYTES } from './merkle.ts'

const MAGIC = 0xf30a
/** Bytes of `i_block` of an inode, and of a header or entry in it (ext4, "Extent Tree"). */
const ROOT_BYTES = 60
const ENTRY_BYTES = 12
const ROOT_ENTRIES = 4
const LEAF_ENTRIES = Math.floor(BLOCK_BYTES / ENTRY_BYTES) - 1
const BLOCKS_PER_EXTENT = 0x8000

/** How many blocks of content the extents below describe: more than 40 GiB. */
export const MAX_EXTENT_BLOCKS = (LEAF_ENTRIES - 1) * BLOCKS_PER_EXTENT

/** The extents of content that lies in one piece. */
export interface Extents {
  /** What stands in the inode, 60 bytes. */
  root: Uint8Array
  /** A block that follows the content, where the inode has no room for them all. */
  leaf?: Uint8Array
}

/** Describes `blocks` blocks, from `start` on; at least one, at most {@link MAX_EXTENT_BLOCKS}. */
export function encodeExtents(start: number, blocks: number): Extents {
  const entries = Math.ceil(blocks / BLOCKS_PER_EXTENT)
  if (entries <= ROOT_ENTRIES) return { root: encodeNode(ROOT_BYTES, ROOT_ENTRIES, start, blocks) }
  const root = Buffer.alloc(ROOT_BYTES)
  writeHeader(root, 1, ROOT_ENTRIES, 1)
  // One index: from logical block 0 on, in the block behind the content.
  root.writeUInt32LE(start + blocks, ENTRY_BYTES + 4)
  return { root, leaf: encodeNode(BLOCK_BYTES, LEAF_ENTRIES, start, blocks) }
}

function encodeNode(size: number, max: number, start: number, blocks: number): Uint8Array {
  const bytes = Buffer.alloc(size)
  const entries = Math.ceil(blocks / BLOCKS_PER_EXTENT)
  writeHeader(bytes, entries, max, 0)
  for (let index = 0; index < entries; index++) {
    const block = index * BLOCKS_PER_EXTENT
    const at = (index + 1) * ENTRY_BYTES
    bytes.writeUInt32LE(block, at)
    bytes.writeUInt16LE(Math.min(blocks - block, BLOCKS_PER_EXTENT), at + 4)
    bytes.writeUInt32LE(start + block, at + 8)
  }
  return bytes
}

function writeHeader(bytes: Buffer, entries: number, max: number, depth: number): void {
  bytes.writeUInt16LE(MAGIC, 0)
  bytes.writeUInt16LE(entries, 2)
  bytes.writeUInt16LE(max, 4)
  bytes.writeUInt16LE(depth, 6)
}
