import type { DatabaseSync } from 'node:sqlite'
import { hasCode } from '@sotto/protocol/errors'
import { edgeError, type EdgeErrorCode } from '../errors.ts'
import { inTransaction, openDatabase, storeError } from './database.ts'

/** A database whose failures have the codes of the role that keeps it. */
export interface GuardedDatabase {
  readonly db: DatabaseSync
  /** Reads or writes outside a transaction. @throws the role's codes of a full disk and of a silent store, `STORE_CORRUPT` */
  guarded<T>(work: () => T): T
  /** All of `work` durable when this returns, or nothing of it. @throws as `guarded`, and what `work` throws */
  transaction(work: () => void): void
  close(): void
}

/** The role's error for whatever files and database threw. Other errors are returned as they are. */
export type StoreErrors = (error: unknown) => unknown

/** What a role calls the failures of its store. */
export interface StoreCodes {
  full: EdgeErrorCode
  failed: EdgeErrorCode
  /** Whose store it is, in words. */
  of: string
}

/** Makes {@link StoreErrors}: the shared store speaks of logs; a role has its own codes, and files beside its database. */
export function createStoreErrors({ full, failed, of }: StoreCodes): StoreErrors {
  return (error) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (hasCode(error, 'LOG_STORE_FULL') || code === 'ENOSPC' || code === 'EDQUOT')
      return edgeError(full, `the disk of ${of} is full; what was stored before is intact`, {
        hint: 'Free space on the volume of the store; the process need not be restarted.',
        cause: error,
      })
    if (hasCode(error, 'LOG_STORE_FAILED') || (typeof code === 'string' && /^E[A-Z]+$/.test(code)))
      return edgeError(failed, `the store of ${of} did not answer`, { cause: error })
    return error
  }
}

/**
 * Opens or creates it.
 * @param maxPages upper bound of the file in pages of 4096 bytes; the disk is the default bound
 * @throws `STORE_IN_USE`, `STORE_CORRUPT`
 */
export function openGuardedDatabase(
  file: string,
  schema: string,
  errorOf: StoreErrors,
  maxPages?: number,
): GuardedDatabase {
  const db = openDatabase(file, schema, maxPages)
  return {
    db,
    guarded(work) {
      try {
        return work()
      } catch (error) {
        throw errorOf(storeError(error))
      }
    },
    transaction(work) {
      try {
        inTransaction(db, work)
      } catch (error) {
        throw errorOf(error)
      }
    },
    close: () => db.close(),
  }
}
