/** One record of a store. */
export interface StoredRecord {
  table: string
  key: string
  value: Uint8Array
}

/** What one record becomes; `null` removes it and overwrites what it held. */
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
 *   may or may not have happened: call `readAll` before going on.
 * - One process owns a store; opening it twice fails.
 * - Values are sealed to the measurement that wrote them. Whoever holds the medium learns how many
 *   records there are, their names and sizes, and can destroy them; a record that was changed,
 *   swapped, removed or put back alone is noticed when the store is read. A whole older copy is
 *   not: that is what the log is for (T11).
 */
export interface SealedStore {
  /** Every record, ordered by table and key. @throws `KMS_STORE_TAMPERED`, `KMS_STORE_FAILED` */
  readAll(): Promise<StoredRecord[]>
  /** @throws `KMS_STORE_FULL` (nothing happened), `KMS_STORE_FAILED` (unknown) */
  commit(changes: readonly Change[]): Promise<void>
  close(): Promise<void>
}

/** Most records a store holds. */
export const MAX_RECORDS = 4096
/** Most bytes of one value. */
export const MAX_VALUE_BYTES: number = 4 * 1024 * 1024
