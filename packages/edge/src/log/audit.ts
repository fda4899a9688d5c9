import { equalBytes } from '@sotto/protocol/bytes'
import type { SottoError } from '@sotto/protocol/errors'
import { edgeError } from '../errors.ts'
import { appendEntries, EMPTY_FRONTIER, type Frontier, rootOf } from './frontier.ts'
import type { LogStore } from './store.ts'

const BATCH = 256

/**
 * Hashes every stored entry again and compares with every stored tile hash and the stored root.
 * About 5 µs per entry. Also gives the root the tree had at `publishedSize`.
 * @throws `STORE_CORRUPT` when anything differs, is missing or is left over
 */
export function auditStore(
  store: LogStore,
  publishedSize: number,
): { frontier: Frontier; publishedRoot: Uint8Array } {
  const tree = store.readTree()
  if (publishedSize > tree.size) {
    throw corrupt(
      'the published checkpoint is larger than the stored tree',
      `${publishedSize}`,
      `${tree.size}`,
    )
  }
  let frontier = EMPTY_FRONTIER
  let publishedRoot = rootOf(frontier)
  while (frontier.size < tree.size) {
    const wanted = frontier.size < publishedSize ? Math.min(BATCH, publishedSize - frontier.size) : BATCH
    const entries = store.readEntries(frontier.size, Math.min(wanted, tree.size - frontier.size))
    if (entries.length === 0) throw corrupt('entries are missing', `${tree.size}`, `${frontier.size}`)
    const next = appendEntries(frontier, entries)
    for (const { level, index, hash } of next.hashes) {
      const stored = store.readHashes(level, index, 1)[0]
      if (stored === undefined || !equalBytes(stored, hash))
        throw corrupt('a stored hash is not that of its entries', `level ${level} index ${index}`)
      if (level === 0 && store.findLeaf(hash) !== index)
        throw corrupt('an entry is not found by its hash', `index ${index}`)
    }
    frontier = next.frontier
    if (frontier.size === publishedSize) publishedRoot = rootOf(frontier)
  }
  if (!equalBytes(rootOf(frontier), tree.root)) throw corrupt('the stored root is not that of the entries')
  if (store.readEntries(tree.size, 1).length > 0) throw corrupt('the store holds entries beyond its tree')
  return { frontier, publishedRoot }
}

function corrupt(message: string, expected?: string, found?: string): SottoError {
  return edgeError('STORE_CORRUPT', message, {
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    hint: 'Restore the whole store from a copy that agrees with the witnesses; never append to this one.',
  })
}
