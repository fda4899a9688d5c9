import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} about an own app.
 * - `APP_CODE_UNREADABLE` (fix-input): the file with its code cannot be read, or is larger than an app may be.
 * - `APP_CODE_OTHER` (stop): the archive is not the one whose SHA-256 the measured configuration names.
 * - `APP_CODE_MALFORMED` (fix-input): the archive is none that `packTar` writes, or has too many files.
 * - `APP_SECRETS_UNREADABLE` (fix-input): the file with its secrets cannot be read, or is too large.
 * - `APP_SECRETS_MALFORMED` (fix-input): its secrets are not `{deployment, values}`, or a name or value is not acceptable.
 * - `APP_SECRETS_OTHER` (stop): its secrets were sealed for another deployment.
 * - `APP_SANDBOX` (stop): this machine cannot confine an app as it has to be.
 * - `APP_START_FAILED` (retry): the namespaces, the unpacked code or the bridge of the app did not come up.
 * - `APP_STARTING` (retry): the app has not answered its health check yet. Inside: 503.
 * - `APP_NOT_HEALTHY` (fix-input): the app ended, or did not answer its health check with 2xx, before its time to start was over.
 * - `APP_RESTARTING` (retry): the app ended and is started again. Inside: 503.
 * - `APP_GIVEN_UP` (fix-input): the app did not get healthy when its enclave started, or a security check refused its next start; it is not started again. Inside: 503.
 * - `APP_SECOND_PORT` (stop): the app listened on another port than its own; it was ended for good. Inside: 503.
 * - `APP_CLOSED` (retry): the app was stopped on purpose. Inside: 503.
 * - `APP_NO_ANSWER` (retry): the app took no connection, or ended it before it answered. Inside: 502.
 * - `APP_ANSWER_MALFORMED` (retry): the app answered with something that is not HTTP, or with headers that are too large. Inside: 502.
 * - `APP_TIMEOUT` (retry): the app did not begin to answer in time. Inside: 504.
 */
export type AppErrorCode =
  | 'APP_CODE_UNREADABLE'
  | 'APP_CODE_OTHER'
  | 'APP_CODE_MALFORMED'
  | 'APP_SECRETS_UNREADABLE'
  | 'APP_SECRETS_MALFORMED'
  | 'APP_SECRETS_OTHER'
  | 'APP_SANDBOX'
  | 'APP_START_FAILED'
  | 'APP_STARTING'
  | 'APP_NOT_HEALTHY'
  | 'APP_RESTARTING'
  | 'APP_GIVEN_UP'
  | 'APP_SECOND_PORT'
  | 'APP_CLOSED'
  | 'APP_NO_ANSWER'
  | 'APP_ANSWER_MALFORMED'
  | 'APP_TIMEOUT'

const ACTIONS: Readonly<Record<AppErrorCode, ErrorAction>> = {
  APP_CODE_UNREADABLE: 'fix-input',
  APP_CODE_OTHER: 'stop',
  APP_CODE_MALFORMED: 'fix-input',
  APP_SECRETS_UNREADABLE: 'fix-input',
  APP_SECRETS_MALFORMED: 'fix-input',
  APP_SECRETS_OTHER: 'stop',
  APP_SANDBOX: 'stop',
  APP_START_FAILED: 'retry',
  APP_STARTING: 'retry',
  APP_NOT_HEALTHY: 'fix-input',
  APP_RESTARTING: 'retry',
  APP_GIVEN_UP: 'fix-input',
  APP_SECOND_PORT: 'stop',
  APP_CLOSED: 'retry',
  APP_NO_ANSWER: 'retry',
  APP_ANSWER_MALFORMED: 'retry',
  APP_TIMEOUT: 'retry',
}

/** HTTP status inside the encryption of each code that may appear there. */
export const APP_STATUSES: Readonly<Partial<Record<AppErrorCode, number>>> = {
  APP_STARTING: 503,
  APP_RESTARTING: 503,
  APP_GIVEN_UP: 503,
  APP_SECOND_PORT: 503,
  APP_CLOSED: 503,
  APP_NO_ANSWER: 502,
  APP_ANSWER_MALFORMED: 502,
  APP_TIMEOUT: 504,
}

/** A {@link SottoError} with a code of the app; the action follows from the code. */
export function appError(
  code: AppErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<AppErrorCode> {
  return new SottoError<AppErrorCode>(code, ACTIONS[code], message, options)
}
