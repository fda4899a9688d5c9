import type { DatabaseSync } from 'node:sqlite'
import { hasCode } from '@sotto/protocol/errors'
import { edgeError } from '../errors.ts'
import { inTransaction, openDatabase, storeError } from '../store/database.ts'

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
export interface RegistryDatabase {
  readonly db: DatabaseSync
  /** Reads or writes outside a transaction. @throws `REGISTRY_DISK_FULL`, `REGISTRY_STORE_FAILED`, `STORE_CORRUPT` */
  guarded<T>(work: () => T): T
  /** All of `work` durable when this returns, or nothing of it. @throws as `guarded`, and what `work` throws */
  transaction(work: () => void): void
  close(): void
}

/**
 * Opens or creates it.
 * @param maxPages upper bound of the file in pages of 4096 bytes; the disk is the default bound
 * @throws `STORE_IN_USE`, `STORE_CORRUPT`
 */
export function openRegistryDatabase(file: string, maxPages?: number): RegistryDatabase {
  const db = openDatabase(file, SCHEMA, maxPages)
  return {
    db,
    guarded(work) {
      try {
        return work()
      } catch (error) {
        throw registryStoreError(storeError(error))
      }
    },
    transaction(work) {
      try {
        inTransaction(db, work)
      } catch (error) {
        throw registryStoreError(error)
      }
    },
    close: () => db.close(),
  }
}

/** The shared store speaks of logs; the registry has its own codes, and files beside its database. */
export function registryStoreError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (hasCode(error, 'LOG_STORE_FULL') || code === 'ENOSPC' || code === 'EDQUOT')
    return edgeError(
      'REGISTRY_DISK_FULL',
      'the disk of the registry is full; what was stored before is intact',
      {
        hint: 'Free space on the volume of the store; the process need not be restarted.',
        cause: error,
      },
    )
  if (hasCode(error, 'LOG_STORE_FAILED') || (typeof code === 'string' && /^E[A-Z]+$/.test(code)))
    return edgeError('REGISTRY_STORE_FAILED', 'the store of the registry did not answer', { cause: error })
  return error
}
