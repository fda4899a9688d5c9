import { chmodSync, closeSync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { hasCode } from '@sotto/protocol/errors'
import { edgeError } from '../errors.ts'
import { inTransaction, openDatabase, storeError } from '../store/database.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, name TEXT NOT NULL, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS api_keys (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts (id), digest BLOB NOT NULL, created INTEGER NOT NULL, not_after INTEGER) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS quotas (account TEXT NOT NULL REFERENCES accounts (id), class TEXT NOT NULL, tokens INTEGER NOT NULL, period TEXT NOT NULL, PRIMARY KEY (account, class)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS usage (account TEXT NOT NULL, class TEXT NOT NULL, day INTEGER NOT NULL, tokens INTEGER NOT NULL, PRIMARY KEY (account, class, day)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS charged (account TEXT NOT NULL, request BLOB NOT NULL, key_id BLOB NOT NULL, PRIMARY KEY (account, request)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS charged_by_key ON charged (key_id);
  CREATE TABLE IF NOT EXISTS token_keys (id BLOB PRIMARY KEY, class TEXT NOT NULL, pkcs8 BLOB NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS statements (sequence INTEGER PRIMARY KEY, envelope TEXT NOT NULL, place TEXT) STRICT;
`

/** The issuer's one database: accounts, what they were charged, token keys and the statements about them. */
export interface IssuerDatabase {
  readonly db: DatabaseSync
  /** Reads or writes outside a transaction. @throws `ISSUER_STORE_FULL`, `ISSUER_STORE_FAILED`, `STORE_CORRUPT` */
  guarded<T>(work: () => T): T
  /** Merges the log of writes into the file and empties it, so that nothing deleted is left in it. */
  flush(): void
  /** All of `work` durable when this returns, or nothing of it. @throws as `guarded`, and what `work` throws */
  transaction(work: () => void): void
  close(): void
}

/**
 * Opens or creates it, for this user alone (mode 0600, and SQLite gives its log the same): private keys lie in it.
 * What is deleted is overwritten, in the file and, once it is merged, in its log.
 * @param maxPages upper bound of the file in pages of 4096 bytes; the disk is the default bound
 * @throws `STORE_IN_USE`, `STORE_CORRUPT`
 */
export function openIssuerDatabase(file: string, maxPages?: number): IssuerDatabase {
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const db = openDatabase(file, SCHEMA, maxPages)
  db.exec('PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON')
  function guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw issuerStoreError(storeError(error))
    }
  }
  return {
    db,
    guarded,
    transaction(work) {
      try {
        inTransaction(db, work)
      } catch (error) {
        throw issuerStoreError(error)
      }
    },
    flush: () => guarded(() => db.exec('PRAGMA wal_checkpoint(TRUNCATE)')),
    close: () => db.close(),
  }
}

/** The shared store speaks of logs; what happened to an account's money has its own codes. */
function issuerStoreError(error: unknown): unknown {
  if (hasCode(error, 'LOG_STORE_FULL'))
    return edgeError('ISSUER_STORE_FULL', 'the disk is full; nothing was charged', {
      hint: 'Free space on the volume of the store; the process need not be restarted.',
      cause: error,
    })
  if (hasCode(error, 'LOG_STORE_FAILED'))
    return edgeError('ISSUER_STORE_FAILED', 'the store did not answer', { cause: error })
  return error
}
