import { equalBytes } from '@sotto/protocol/bytes'
import { kmsError } from '../errors.ts'
import type { Change, SealedStore, StoredRecord } from '../store/index.ts'
import { withAnchor } from './anchor.ts'
import { fromRecords, toRecords } from './records.ts'
import type { KmsState, RequestKey } from './types.ts'

/** What a commit that failed would have made of the state. */
interface Attempt {
  state: KmsState
  records: ReadonlyMap<string, StoredRecord>
}

/**
 * Holds the state in memory and in the store, and keeps the two equal, but for the private request keys:
 * those are in memory only (T4). One owner, no concurrency.
 */
export class StateKeeper {
  private readonly store: SealedStore
  private state: KmsState
  private stored: ReadonlyMap<string, StoredRecord>
  /** A commit failed: only the store knows whether it happened. */
  private uncertain: Attempt | undefined

  private constructor(store: SealedStore, records: readonly StoredRecord[], keys: readonly RequestKey[]) {
    this.store = store
    this.stored = byName(records)
    this.state = withKeys(fromRecords(records), keys)
  }

  /**
   * @param keys live request keys another KMS handed over; those of no stored set are left out
   * @throws the errors of {@link SealedStore.readAll}
   */
  static async open(store: SealedStore, keys: readonly RequestKey[] = []): Promise<StateKeeper> {
    return new StateKeeper(store, await store.readAll(), keys)
  }

  /** The last state known to be durable. */
  get current(): KmsState {
    return this.state
  }

  /**
   * Makes one transition durable, whole or not at all. After a failure the truth is read back from
   * the store before anything else happens, so a change that did happen is not made twice.
   * @param sealingKey seals the whole store anew under this key, in the same transition
   * @throws whatever `change` and the store throw
   */
  async transition(change: (state: KmsState) => KmsState, sealingKey?: Uint8Array): Promise<KmsState> {
    await this.settle()
    const next = withAnchor(change(this.state))
    const records = byName(toRecords(next))
    const changes = difference(this.stored, records)
    if (changes.length > 0 || sealingKey !== undefined) {
      this.uncertain = { state: next, records }
      await this.store.commit(changes, sealingKey)
      this.uncertain = undefined
    }
    this.stored = records
    this.state = next
    return next
  }

  /**
   * Reads the store again if the last commit failed.
   * @throws the errors of {@link SealedStore.readAll}; `KMS_STORE_TAMPERED` for another state than before or after it
   */
  async settle(): Promise<void> {
    if (this.uncertain === undefined) return
    const records = byName(await this.store.readAll())
    const { uncertain } = this
    if (difference(uncertain.records, records).length === 0) {
      this.state = uncertain.state
    } else if (difference(this.stored, records).length > 0) {
      // Neither before nor after: somebody else wrote, or put an old copy there. Only a start asks the log which (T11).
      throw kmsError('KMS_STORE_TAMPERED', 'the store is neither as it was nor as it was to be', {
        hint: 'Start again: a start compares the store with the log.',
      })
    }
    this.stored = records
    this.uncertain = undefined
  }
}

/** The state with those private keys that its current or pending set names. */
function withKeys(state: KmsState, keys: readonly RequestKey[]): KmsState {
  const named = new Set([state.epoch, state.pending?.epoch].flatMap((epoch) => epoch?.keyIds ?? []))
  return {
    ...state,
    keys: new Map(keys.filter(({ keyId }) => named.has(keyId)).map((key) => [key.keyId, key])),
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
    const isSame =
      before !== undefined && (before.value === record.value || equalBytes(before.value, record.value))
    if (!isSame) changes.push(record)
  }
  for (const [name, { table, key }] of from) if (!to.has(name)) changes.push({ table, key, value: null })
  return changes
}
