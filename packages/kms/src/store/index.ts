export { openSqliteStore, SqliteStore, type SqliteStoreOptions } from './sqlite.ts'
export { type Change, MAX_RECORDS, MAX_VALUE_BYTES, type SealedStore, type StoredRecord } from './types.ts'
