import { shownPath } from '@sotto/protocol/oci'
import { cliError } from '../../errors.ts'
import { BLOCK_BYTES } from './merkle.ts'

/** An extended attribute as ext4 stores it: its prefix is a number (ext4, "Extended Attributes"). */
export interface StoredXattr {
  index: number
  /** The name without its prefix, one character per byte. */
  name: string
  value: Uint8Array
}

/** Where the attributes of one inode go. */
export interface PlacedXattrs {
  inline: StoredXattr[]
  block: StoredXattr[]
}

/** Of an inode, behind its fields. */
export const INLINE_XATTR_BYTES = 104
const MAGIC = 0xea020000
/** Magic number and the empty entry that ends the list; in a block, its header and that entry. */
const INLINE_OVERHEAD = 8
const BLOCK_HEADER = 32
const BLOCK_OVERHEAD = BLOCK_HEADER + 4
/**
 * The reference sorts the entries of a block by an order that is none, with an algorithm that is an insertion sort up to
 * here: beyond, the result depends on more than the entries.
 */
const MAX_SORTED = 12

const PREFIXES: readonly (readonly [number, string])[] = [
  [2, 'system.posix_acl_access'],
  [3, 'system.posix_acl_default'],
  [8, 'system.richacl'],
  [7, 'system.'],
  [1, 'user.'],
  [4, 'trusted.'],
  [6, 'security.'],
]

/**
 * Places attributes as the reference does: in the order of their names, each in the inode where it still fits, else in a
 * block of its own.
 * @throws `IMAGE_UNSUPPORTED` where they do not fit, or their order would not be certain
 */
export function placeXattrs(xattrs: ReadonlyMap<string, Uint8Array>, path: string): PlacedXattrs {
  const placed: PlacedXattrs = { inline: [], block: [] }
  const left = { inline: INLINE_XATTR_BYTES - INLINE_OVERHEAD, block: BLOCK_BYTES - BLOCK_OVERHEAD }
  for (const full of [...xattrs.keys()].sort(byBytes)) {
    const xattr = compress(full, xattrs.get(full)!)
    const length = entryLength(xattr) + valueLength(xattr)
    const where = left.inline >= length ? 'inline' : 'block'
    if (xattr.name.length > 0xff || left[where] < length)
      throw cliError('IMAGE_UNSUPPORTED', 'a layer has extended attributes that fit nowhere', {
        found: shownPath(path),
      })
    placed[where].push(xattr)
    left[where] -= length
  }
  if (placed.block.length > MAX_SORTED)
    throw cliError('IMAGE_UNSUPPORTED', 'a layer has too many extended attributes on one file', {
      expected: `${MAX_SORTED} beside those in its inode`,
      found: shownPath(path),
    })
  sortBlock(placed.block)
  return placed
}

/** What an inode carries of its attributes: 104 bytes, or none. */
export function encodeInlineXattrs(xattrs: readonly StoredXattr[]): Uint8Array | undefined {
  if (xattrs.length === 0) return undefined
  const bytes = Buffer.alloc(INLINE_XATTR_BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  putXattrs(xattrs, bytes.subarray(4), 0)
  return bytes
}

/** The block of attributes of an inode. */
export function encodeXattrBlock(xattrs: readonly StoredXattr[]): Uint8Array {
  const bytes = Buffer.alloc(BLOCK_BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(1, 4) // references
  bytes.writeUInt32LE(1, 8) // blocks
  putXattrs(xattrs, bytes.subarray(BLOCK_HEADER), BLOCK_HEADER)
  return bytes
}

/** Attributes by full name as the reference reads its own list back: up to the first one that is all prefix. */
export function readBack(stored: readonly StoredXattr[]): Map<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>()
  for (const { index, name, value } of stored) {
    if (name === '') break
    xattrs.set((PREFIXES.find(([of]) => of === index)?.[1] ?? '') + name, value)
  }
  return xattrs
}

/** Compares texts of one character per byte. */
export function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function compress(full: string, value: Uint8Array): StoredXattr {
  const prefix = PREFIXES.find(([, prefix]) => full.startsWith(prefix))
  return { index: prefix?.[0] ?? 0, name: full.slice(prefix?.[1].length ?? 0), value }
}

/** Not an order (two entries may each come before the other), so that the steps count and not only the comparison. */
function isBefore(a: StoredXattr, b: StoredXattr): boolean {
  return a.index < b.index || a.name.length < b.name.length || a.name < b.name
}

function sortBlock(xattrs: StoredXattr[]): void {
  for (let i = 1; i < xattrs.length; i++)
    for (let j = i; j > 0 && isBefore(xattrs[j]!, xattrs[j - 1]!); j--)
      [xattrs[j], xattrs[j - 1]] = [xattrs[j - 1]!, xattrs[j]!]
}

function entryLength({ name }: StoredXattr): number {
  return ((name.length + 3) & ~3) + 16
}

function valueLength({ value }: StoredXattr): number {
  return (value.length + 3) & ~3
}

/** Entries from the front, values from the back. */
function putXattrs(xattrs: readonly StoredXattr[], bytes: Buffer, offsetDelta: number): void {
  let [entry, value] = [0, bytes.length]
  for (const xattr of xattrs) {
    value -= valueLength(xattr)
    bytes[entry] = xattr.name.length
    bytes[entry + 1] = xattr.index
    bytes.writeUInt16LE(value + offsetDelta, entry + 2)
    bytes.writeUInt32LE(xattr.value.length, entry + 8)
    bytes.writeUInt32LE(hashOf(xattr), entry + 12)
    bytes.write(xattr.name, entry + 16, 'latin1')
    bytes.set(xattr.value, value)
    entry += entryLength(xattr)
  }
}

/** `ext4_xattr_hash_entry` of Linux, over name and value. */
function hashOf({ name, value }: StoredXattr): number {
  let hash = 0
  for (let at = 0; at < name.length; at++) hash = (hash << 5) ^ (hash >>> 27) ^ name.charCodeAt(at)
  const padded = Buffer.alloc((value.length + 3) & ~3)
  padded.set(value)
  for (let at = 0; at < padded.length; at += 4) hash = (hash << 16) ^ (hash >>> 16) ^ padded.readUInt32LE(at)
  return hash >>> 0
}
