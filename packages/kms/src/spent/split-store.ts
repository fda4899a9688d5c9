import type { Change, SealedStore, StoredRecord } from '../store/index.ts'

/** One store with two owners in one process. */
export interface SplitStore {
  /** All tables but one. */
  rest: SealedStore
  /** The one table. */
  own: SealedStore
}

/**
 * Gives one table of a store to an owner of its own. Either keeps the contract of {@link SealedStore} as if it were
 * alone: their commits run one after the other, and a commit of one that failed is looked into before the other's
 * next one. Closing either closes nothing.
 */
export function splitStore(store: SealedStore, table: string): SplitStore {
  let line: Promise<unknown> = Promise.resolve()
  let isUncertain = false

  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = line.then(work)
    line = turn.catch(() => undefined)
    return turn
  }
  function readAll(): Promise<StoredRecord[]> {
    return inLine(async () => {
      const records = await store.readAll()
      isUncertain = false
      return records
    })
  }
  function commit(changes: readonly Change[], sealingKey?: Uint8Array): Promise<void> {
    return inLine(async () => {
      // Whether that commit happened is for its owner to find out; the store takes no other before it was read.
      if (isUncertain) await store.readAll()
      isUncertain = true
      await store.commit(changes, sealingKey)
      isUncertain = false
    })
  }
  function viewOf(sees: (record: { table: string }) => boolean): SealedStore {
    return {
      readAll: async () => (await readAll()).filter(sees),
      async commit(changes, sealingKey) {
        if (!changes.every(sees)) throw new RangeError('the table belongs to another owner')
        await commit(changes, sealingKey)
      },
      close: () => Promise.resolve(),
    }
  }
  return { rest: viewOf((record) => record.table !== table), own: viewOf((record) => record.table === table) }
}
