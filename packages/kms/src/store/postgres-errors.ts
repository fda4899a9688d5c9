import { SottoError } from '@sotto/protocol/errors'
import { kmsError } from '../errors.ts'
import { unusable } from './postgres-url.ts'
import { tampered } from './sealed-records.ts'

/** SQLSTATE codes and classes (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const DISK_FULL = '53100'
const CORRUPTED = ['XX001', 'XX002']
/** invalid_authorization_specification, invalid_catalog_name, insufficient_privilege, undefined_table and _column. */
const REFUSED = /^(?:28...|3D000|3F000|42501|42P01|42703|42804)$/

/** Codes of Node's TLS layer that no second try changes: the certificate is not what `sslmode` asks for. */
const CERTIFICATE =
  /^(?:ERR_TLS_.*|CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|HOSTNAME_MISMATCH)$/

/** What an error of the `pg` client means for the caller. Its own words stay in `cause`; they hold no password. */
export function postgresFailure(cause: unknown): SottoError {
  if (cause instanceof SottoError) return cause
  const { code, message } = cause as { code?: unknown; message?: unknown }
  const state = typeof code === 'string' ? code : ''
  if (state === DISK_FULL) {
    return kmsError('KMS_STORE_FULL', 'the disk of the database is full; nothing was changed', {
      cause,
      hint: 'Make room and try again.',
    })
  }
  if (CORRUPTED.includes(state)) return tampered('the database says that its tables are damaged', cause)
  if (REFUSED.test(state)) return unusable(`it refuses us (SQLSTATE ${state})`, cause)
  if (CERTIFICATE.test(state)) return unusable('its certificate is not what sslmode asks for', cause)
  if (typeof message === 'string' && /does not support SSL/.test(message)) {
    return unusable('it does not speak TLS; sslmode=disable goes without', cause)
  }
  if (typeof message === 'string' && message.startsWith('SASL'))
    return unusable('its password exchange failed', cause)
  return kmsError('KMS_STORE_FAILED', 'the database does not answer as it should', { cause })
}

/** Whether the connection can take another query after this error: the server reported it and stays. */
export function isStatementError(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown }
  return typeof code === 'string' && severity === 'ERROR'
}
