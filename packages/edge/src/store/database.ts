import { DatabaseSync } from 'node:sqlite'
import type { SottoError } from '@sotto/protocol/errors'
import { edgeError } from '../errors.ts'

/** SQLite primary result codes (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

/**
 * Opens (or creates) a database whose committed transactions survive a killed process and a lost
 * power supply, and which no second process can open at the same time.
 *
 * @param maxPages upper bound of the file in pages of 4096 bytes; the disk is the default bound
 * @throws `STORE_IN_USE`, `STORE_CORRUPT`
 */
export function openDatabase(file: string, schema: string, maxPages?: number): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file)
    // Exclusive before WAL: no shared-memory file, and the lock is held until the process ends.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    db.exec('BEGIN IMMEDIATE')
    db.exec(schema)
    db.exec('COMMIT')
    if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${Math.trunc(maxPages)}`)
    return db
  } catch (error) {
    db?.close()
    throw storeError(error)
  }
}

/** Runs `work` as one transaction: all of it is durable when this returns, or none of it is there. */
export function inTransaction(db: DatabaseSync, work: () => void): void {
  try {
    db.exec('BEGIN IMMEDIATE')
    work()
    db.exec('COMMIT')
  } catch (error) {
    // A full disk may have rolled it back already.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw storeError(error)
  }
}

/** The product's error for whatever SQLite threw. Other errors are returned as they are. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error
  return describe(Number(error.errcode) & 0xff, error)
}

function describe(code: number, cause: Error): SottoError {
  switch (code) {
    case SQLITE_FULL:
      return edgeError('LOG_STORE_FULL', 'the disk is full; nothing was stored', {
        hint: 'Free space on the volume of the store; the process need not be restarted.',
        cause,
      })
    case SQLITE_BUSY:
      return edgeError('STORE_IN_USE', 'another process holds the store', {
        hint: 'Stop the other one.',
        cause,
      })
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return edgeError('STORE_CORRUPT', 'the store file is damaged', {
        hint: 'Restore it whole from a backup of the same instant.',
        cause,
      })
    default:
      return edgeError('LOG_STORE_FAILED', 'the store did not answer', {
        found: `SQLite error ${code}`,
        cause,
      })
  }
}
