import { equalBytes } from '@sotto/protocol/bytes'
import { emptyRoot } from '@sotto/protocol/merkle'
import type { LogStore, StoredTree } from '../../src/log/store.ts'

/** A {@link LogStore} in memory, proven equal to the real one by the contract test. */
export function createMemoryStore(): LogStore {
  const entries: Uint8Array[] = []
  const rows = new Map<number, Uint8Array[]>()
  let tree: StoredTree = { size: 0, root: emptyRoot() }
  let published: string | undefined
  return {
    readTree: () => tree,
    append(record) {
      if (record.firstIndex !== entries.length) throw new Error('gap')
      entries.push(...record.entries)
      for (const { level, index, hash } of record.hashes) {
        const row = rows.get(level) ?? []
        rows.set(level, row)
        row[index] = hash
      }
      tree = record.tree
    },
    readEntries: (start, count) => entries.slice(start, start + count),
    readHashes: (level, start, count) => (rows.get(level) ?? []).slice(start, start + count),
    findLeaf(leaf) {
      const index = (rows.get(0) ?? []).findIndex((hash) => equalBytes(hash, leaf))
      return index < 0 ? undefined : index
    },
    readPublished: () => published,
    writePublished(note) {
      published = note
    },
    close() {},
  }
}
