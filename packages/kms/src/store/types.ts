/** One record of a store. */
export interface StoredRecord {
  table: string
  key: string
  value: Uint8Array
}

/** What one record becomes; `null` removes it, and overwrites what it held where the medium allows that. */
export interface Change {
  table: string
  key: string
  value: Uint8Array | null
}

/**
 * Everything the KMS keeps. Small (hundreds of records), read whole, written in whole transitions.
 *
 * Contract, whoever implements it:
 * - `commit` makes all changes or none, and they are durable when it returns. When it throws, they
 *   may or may not have happened: call `readAll` before going on; no commit is taken before that.
 * - One process owns a store. A file cannot be opened twice; a database gives it to one process at a
 *   time (`StoreAccess`), and what another process owns by now takes no commit.
 * - Values are sealed to the measurement that wrote them. Whoever holds the medium learns how many
 *   records there are, their names and sizes, and can destroy them; a record that was changed,
 *   swapped, removed or put back alone is noticed when the store is read. A whole older copy is
 *   not: that is what the log is for (T11).
 */
export interface SealedStore {
  /** Every record, ordered by table and key. @throws `KMS_STORE_TAMPERED`, `KMS_STORE_FAILED`, `KMS_STANDBY` */
  readAll(): Promise<StoredRecord[]>
  /**
   * @param sealingKey 32 bytes: seals every record of the store anew under this key, in the same transition
   * @throws `KMS_STORE_FULL`, `KMS_STANDBY` (nothing happened), `KMS_STORE_FAILED` (unknown); RangeError
   * (nothing happened) for a change beyond the bounds below
   */
  commit(changes: readonly Change[], sealingKey?: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** Most records a store holds. */
export const MAX_RECORDS = 4096
/** Most bytes of one value. */
export const MAX_VALUE_BYTES: number = 4 * 1024 * 1024
/** Most bytes of all values: what a medium, which nobody trusts, may make this process hold. */
export const MAX_STORE_BYTES: number = 128 * 1024 * 1024
/** Most UTF-16 units of a table's or a key's name. */
export const MAX_NAME_LENGTH = 256
