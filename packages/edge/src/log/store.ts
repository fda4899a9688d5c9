import type { TileHash } from './frontier.ts'

/** The tree as the store remembers it. */
export interface StoredTree {
  size: number
  root: Uint8Array
}

/** What one append makes durable, all or nothing. */
export interface AppendRecord {
  /** Index of the first entry: the size of the tree before. */
  firstIndex: number
  entries: readonly Uint8Array[]
  hashes: readonly TileHash[]
  tree: StoredTree
}

/**
 * Where a log lives. One process owns it; calls come one at a time. What a write stored is durable
 * once the call returns. When a write throws, the caller cannot know which of the two happened and
 * must read back. The store is *not* trusted with integrity: whoever can change it can make the log
 * refuse to start, but cannot make it sign a second tree that its witnesses would accept.
 */
export interface LogStore {
  readTree(): StoredTree
  append(record: AppendRecord): void
  /** Up to `count` entries from `start`, in order; fewer at the end. */
  readEntries(start: number, count: number): Uint8Array[]
  /** `count` hashes of a tile row from position `start`; fewer at the end. */
  readHashes(level: number, start: number, count: number): Uint8Array[]
  /** Index of the entry with this leaf hash. */
  findLeaf(leaf: Uint8Array): number | undefined
  /** The checkpoint last published, with its cosignatures. */
  readPublished(): string | undefined
  writePublished(note: string): void
  close(): void
}
