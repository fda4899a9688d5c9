import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { leafHash } from '@sotto/protocol/merkle'
import { edgeError } from '../errors.ts'
import { appendEntries, type Frontier, rootOf } from './frontier.ts'
import type { AppendRecord, LogStore } from './store.ts'

/** How entries are gathered into one durable write. */
export interface SequencerOptions {
  store: LogStore
  /** As the audit of the store found it. */
  frontier: Frontier
  /** Wait after the first entry for more, in milliseconds. */
  batchMs: number
  /** Entries waiting for a write; more are refused. */
  maxWaiting: number
  /** Told after each durable write. */
  onGrown: () => void
}

/** Entries per write at most: one tile. */
const MAX_BATCH = 256

/** Gives entries their places, durably and once. */
export interface Sequencer {
  /** The durable tree. */
  readonly frontier: Frontier
  /** Why nothing can be appended any more: the store contradicts itself. */
  readonly fatal: unknown
  /**
   * Index of the entry, once it is durable; the same bytes always have the same index.
   * @throws `LOG_BUSY`, `LOG_STORE_FULL`, `LOG_STORE_FAILED` (the entry may or may not be stored: ask again)
   */
  add(entry: Uint8Array): Promise<number>
}

interface Waiting {
  entry: Uint8Array
  index: PromiseWithResolvers<number>
}

/** Makes the one {@link Sequencer} of a store. */
export function createSequencer(options: SequencerOptions): Sequencer {
  const { store } = options
  let frontier = options.frontier
  let fatal: unknown
  /** A write that threw: which of the two trees is on disk is not known yet. */
  let unresolved: { record: AppendRecord; frontier: Frontier } | undefined
  const waiting = new Map<string, Waiting>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    timer = undefined
    const batch = [...waiting.entries()].slice(0, MAX_BATCH)
    for (const [key] of batch) waiting.delete(key)
    if (waiting.size > 0) timer = setTimeout(flush, 0)
    try {
      resolveUnresolved()
      write(batch.map(([, item]) => item))
    } catch (error) {
      for (const [, item] of batch) item.index.reject(error)
    }
  }

  function write(batch: Waiting[]): void {
    // What an unresolved write stored after all is found here.
    const fresh = batch.filter((item) => {
      const index = store.findLeaf(leafHash(item.entry))
      if (index !== undefined) item.index.resolve(index)
      return index === undefined
    })
    if (fresh.length === 0) return
    const entries = fresh.map((item) => item.entry)
    const next = appendEntries(frontier, entries)
    const tree = { size: next.frontier.size, root: rootOf(next.frontier) }
    const record = { firstIndex: frontier.size, entries, hashes: next.hashes, tree }
    try {
      store.append(record)
    } catch (error) {
      unresolved = { record, frontier: next.frontier }
      throw error
    }
    frontier = next.frontier
    for (const [offset, item] of fresh.entries()) item.index.resolve(record.firstIndex + offset)
    options.onGrown()
  }

  /** Asks the store which tree it holds. A third one means somebody else wrote: nothing is signed again. */
  function resolveUnresolved(): void {
    if (unresolved === undefined) return
    const tree = store.readTree()
    if (tree.size === unresolved.record.tree.size && equalBytes(tree.root, unresolved.record.tree.root)) {
      frontier = unresolved.frontier
      options.onGrown()
    } else if (tree.size !== frontier.size || !equalBytes(tree.root, rootOf(frontier))) {
      fatal = edgeError('STORE_CORRUPT', 'the store holds a tree this process did not write', {
        expected: `size ${frontier.size} or ${unresolved.record.tree.size}`,
        found: `${tree.size}`,
      })
      throw fatal
    }
    unresolved = undefined
  }

  return {
    get frontier() {
      return frontier
    },
    get fatal() {
      return fatal
    },
    async add(entry) {
      if (fatal !== undefined) throw fatal
      const leaf = leafHash(entry)
      const key = toHex(leaf)
      const same = waiting.get(key)
      if (same !== undefined) return same.index.promise
      const known = unresolved === undefined ? store.findLeaf(leaf) : undefined
      if (known !== undefined) return known
      if (waiting.size >= options.maxWaiting)
        throw edgeError('LOG_BUSY', 'too many entries wait to be written')
      const item = { entry, index: Promise.withResolvers<number>() }
      waiting.set(key, item)
      timer ??= setTimeout(flush, options.batchMs)
      return item.index.promise
    },
  }
}
