import type { SottoError } from '@sotto/protocol/errors'
import { kmsError, type KmsErrorCode } from '../errors.ts'

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26
/** Extended code of an I/O error for want of space on some file systems: write. */
const SQLITE_IOERR_WRITE = 778

/** What an error of node:sqlite means for the caller. The database's own words stay in `cause`. */
export function storeFailure(cause: unknown): SottoError<KmsErrorCode> {
  const extended = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) : 0
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return full(cause)
    case SQLITE_BUSY:
      return kmsError('KMS_STORE_IN_USE', 'another process holds the store', {
        cause,
        hint: 'Stop the other KMS first.',
      })
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return kmsError('KMS_STORE_TAMPERED', 'the store is not an intact database', { cause })
    default:
      return extended === SQLITE_IOERR_WRITE
        ? full(cause)
        : kmsError('KMS_STORE_FAILED', 'the store does not work', { cause })
  }
}

function full(cause: unknown): SottoError<KmsErrorCode> {
  return kmsError('KMS_STORE_FULL', 'the disk is full; nothing was changed', {
    cause,
    hint: 'Make room and try again.',
  })
}
