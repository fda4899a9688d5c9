import {
  createStoreErrors,
  type GuardedDatabase,
  openGuardedDatabase,
  type StoreErrors,
} from '../store/guarded-database.ts'

/**
 * `models` keeps a row for every version that ever was, without its documents once it is gone: a version number is
 * used once. `removals` are kept for good, so that no old statement comes back.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS models (owner TEXT NOT NULL, tag TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, document TEXT, PRIMARY KEY (tag, name, version)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS models_by_digest ON models (digest) WHERE document IS NOT NULL;
  CREATE TABLE IF NOT EXISTS removals (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, envelope TEXT NOT NULL UNIQUE, document TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS removals_by_model ON removals (owner, name);
  CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, owner TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL, offset INTEGER NOT NULL, complete INTEGER NOT NULL, touched_at INTEGER NOT NULL, UNIQUE (owner, digest)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/** The registry's database. Everything in it is public or worthless without a key. */
export type RegistryDatabase = GuardedDatabase

/** `REGISTRY_DISK_FULL`, `REGISTRY_STORE_FAILED` */
export const registryStoreError: StoreErrors = createStoreErrors({
  full: 'REGISTRY_DISK_FULL',
  failed: 'REGISTRY_STORE_FAILED',
  of: 'the registry',
})

/**
 * Opens or creates it.
 * @param maxPages upper bound of the file in pages of 4096 bytes; the disk is the default bound
 * @throws `STORE_IN_USE`, `STORE_CORRUPT`
 */
export function openRegistryDatabase(file: string, maxPages?: number): RegistryDatabase {
  return openGuardedDatabase(file, SCHEMA, registryStoreError, maxPages)
}
