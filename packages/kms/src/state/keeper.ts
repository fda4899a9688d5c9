import { equalBytes } from '@sotto/protocol/bytes'
import type { Change, SealedStore, StoredRecord } from '../store/index.ts'
import { fromRecords, toRecords } from './records.ts'
import type { KmsState } from './types.ts'

/** Holds the state in memory and in the store, and keeps the two equal. One owner, no concurrency. */
export class StateKeeper {
  private readonly store: SealedStore
  private state: KmsState
  private stored: ReadonlyMap<string, StoredRecord>
  /** A commit failed: only the store knows whether it happened. */
  private isUncertain = false

  private constructor(store: SealedStore, records: readonly StoredRecord[]) {
    this.store = store
    this.stored = byName(records)
    this.state = fromRecords(records)
  }

  /** @throws the errors of {@link SealedStore.readAll} */
  static async open(store: SealedStore): Promise<StateKeeper> {
    return new StateKeeper(store, await store.readAll())
  }

  /** The last state known to be durable. */
  get current(): KmsState {
    return this.state
  }

  /**
   * Makes one transition durable, whole or not at all. After a failure the truth is read back from
   * the store before anything else happens, so a change that did happen is not made twice.
   * @throws whatever `change` and the store throw
   */
  async transition(change: (state: KmsState) => KmsState): Promise<KmsState> {
    await this.settle()
    const next = change(this.state)
    const records = byName(toRecords(next))
    const changes = difference(this.stored, records)
    if (changes.length > 0) {
      this.isUncertain = true
      await this.store.commit(changes)
      this.isUncertain = false
    }
    this.stored = records
    this.state = next
    return next
  }

  /** Reads the store again if the last commit failed. @throws the errors of {@link SealedStore.readAll} */
  async settle(): Promise<void> {
    if (!this.isUncertain) return
    const records = await this.store.readAll()
    this.stored = byName(records)
    this.state = fromRecords(records)
    this.isUncertain = false
  }
}

function byName(records: readonly StoredRecord[]): ReadonlyMap<string, StoredRecord> {
  return new Map(records.map((record) => [`${record.table}\0${record.key}`, record]))
}

function difference(
  from: ReadonlyMap<string, StoredRecord>,
  to: ReadonlyMap<string, StoredRecord>,
): Change[] {
  const changes: Change[] = []
  for (const [name, record] of to) {
    const before = from.get(name)
    if (before === undefined || !equalBytes(before.value, record.value)) changes.push(record)
  }
  for (const [name, { table, key }] of from) if (!to.has(name)) changes.push({ table, key, value: null })
  return changes
}
