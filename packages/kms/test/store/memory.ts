import {
  type Change,
  MAX_RECORDS,
  MAX_VALUE_BYTES,
  type SealedStore,
  type StoredRecord,
} from '../../src/store/index.ts'

/** How one commit goes wrong. */
export type Fault = 'not-persisted' | 'reported-failed'

/** A store in memory, proven equal to the real one by the contract test; breaks on demand. */
export class MemoryStore implements SealedStore {
  readonly records: Map<string, StoredRecord> = new Map()
  /** Called before each commit; what it returns happens to that commit. */
  fault: (commit: number) => Fault | undefined = () => undefined
  error: () => Error = () => new Error('the store failed')
  commits = 0
  /** The key the records were last sealed anew under, as far as a store in memory seals anything. */
  sealingKey: Uint8Array | undefined

  async readAll(): Promise<StoredRecord[]> {
    const all = [...this.records.values()].map(({ table, key, value }) => ({
      table,
      key,
      value: value.slice(),
    }))
    return all.sort((a, b) => (a.table + '\0' + a.key < b.table + '\0' + b.key ? -1 : 1))
  }

  async commit(changes: readonly Change[], sealingKey?: Uint8Array): Promise<void> {
    const fault = this.fault(this.commits++)
    if (fault === 'not-persisted') throw this.error()
    for (const { table, key, value } of changes) requireBounds(table, key, value)
    if (this.records.size + changes.length > MAX_RECORDS) throw new RangeError('too many records')
    for (const { table, key, value } of changes) {
      if (value === null) this.records.delete(`${table}\0${key}`)
      else this.records.set(`${table}\0${key}`, { table, key, value: value.slice() })
    }
    if (sealingKey !== undefined) this.sealingKey = sealingKey.slice()
    if (fault === 'reported-failed') throw this.error()
  }

  async close(): Promise<void> {
    await Promise.resolve()
  }
}

function requireBounds(table: string, key: string, value: Uint8Array | null): void {
  if (table === '' || (table + key).includes('\0') || table.length > 256 || key.length > 256)
    throw new RangeError('no name for a record')
  if (value !== null && value.length > MAX_VALUE_BYTES) throw new RangeError('the value is too large')
}
