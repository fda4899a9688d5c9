import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} thrown by this package.
 * - `CONFIG_UNREADABLE` (fix-input): the file is missing, not a regular file, or larger than the bound.
 * - `CONFIG_INVALID` (fix-input): not strict JSON, or a field is missing, unknown or out of bounds.
 * - `CONFIG_NOT_MEASURED` (stop): the hardware does not vouch for this configuration, and it is no file of the image.
 * - `HTTP_NOT_FOUND`, `HTTP_METHOD`, `HTTP_MEDIA_TYPE` (fix-input): no such route, method or content type.
 * - `HTTP_BODY_TOO_LARGE` (fix-input): the body passes the route's bound.
 * - `HTTP_BODY_CUT` (retry): the sender went away or was too slow before the body was complete.
 * - `HTTP_TOO_MANY` (retry): the rate limit of this route is used up.
 * - `HTTP_BUSY` (retry): too many requests are in progress, or the process is draining.
 * - `WEBSOCKET_INVALID` (fix-input): no opening handshake, frame or message of RFC 6455, or none of the subprotocol.
 * - `INTERNAL` (retry): anything unforeseen; its detail stays inside.
 * - `ROLE_ADDRESS` (fix-input): the address to listen on is taken, or not of this machine.
 * - `ROLE_USAGE` (fix-input): wrong command line of a role process.
 * - `ROLE_UNSAFE` (stop): the process was started in a way that lets somebody look inside (T7).
 * - `TEE_ABSENT` (fix-input): this machine has no hardware to attest with, or it is not switched on.
 * - `TEE_UNAVAILABLE` (retry): the hardware or the launcher did not answer in time.
 * - `TEE_NO_SEALING` (stop): this hardware offers no sealing key, or the helper that asks it is not in the image.
 * - `TEE_MALFORMED` (stop): the hardware or the launcher answered something impossible.
 * - `LOG_UNREACHABLE` (retry): no answer from the log, or one that asks to come back.
 * - `LOG_REFUSED` (fix-input): the log does not take this entry or this token.
 * - `LOG_INVALID` (stop): what the log served contradicts its own signed tree, or the tree seen before.
 * - `RECEIPT_LOG_FULL` (stop): receipts were left out of the log for good, because it took none for too long.
 */
export type ServeErrorCode =
  | 'CONFIG_UNREADABLE'
  | 'CONFIG_INVALID'
  | 'CONFIG_NOT_MEASURED'
  | 'HTTP_NOT_FOUND'
  | 'HTTP_METHOD'
  | 'HTTP_MEDIA_TYPE'
  | 'HTTP_BODY_TOO_LARGE'
  | 'HTTP_BODY_CUT'
  | 'HTTP_TOO_MANY'
  | 'HTTP_BUSY'
  | 'WEBSOCKET_INVALID'
  | 'INTERNAL'
  | 'ROLE_ADDRESS'
  | 'ROLE_USAGE'
  | 'ROLE_UNSAFE'
  | 'TEE_ABSENT'
  | 'TEE_UNAVAILABLE'
  | 'TEE_NO_SEALING'
  | 'TEE_MALFORMED'
  | 'LOG_UNREACHABLE'
  | 'LOG_REFUSED'
  | 'LOG_INVALID'
  | 'RECEIPT_LOG_FULL'

const ACTIONS: Readonly<Record<ServeErrorCode, ErrorAction>> = {
  CONFIG_UNREADABLE: 'fix-input',
  CONFIG_INVALID: 'fix-input',
  CONFIG_NOT_MEASURED: 'stop',
  HTTP_NOT_FOUND: 'fix-input',
  HTTP_METHOD: 'fix-input',
  HTTP_MEDIA_TYPE: 'fix-input',
  HTTP_BODY_TOO_LARGE: 'fix-input',
  HTTP_BODY_CUT: 'retry',
  HTTP_TOO_MANY: 'retry',
  HTTP_BUSY: 'retry',
  WEBSOCKET_INVALID: 'fix-input',
  INTERNAL: 'retry',
  ROLE_ADDRESS: 'fix-input',
  ROLE_USAGE: 'fix-input',
  ROLE_UNSAFE: 'stop',
  TEE_ABSENT: 'fix-input',
  TEE_UNAVAILABLE: 'retry',
  TEE_NO_SEALING: 'stop',
  TEE_MALFORMED: 'stop',
  LOG_UNREACHABLE: 'retry',
  LOG_REFUSED: 'fix-input',
  LOG_INVALID: 'stop',
  RECEIPT_LOG_FULL: 'stop',
}

/** A {@link SottoError} with a code of this package; the action follows from the code. */
export function serveError(
  code: ServeErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<ServeErrorCode> {
  return new SottoError<ServeErrorCode>(code, ACTIONS[code], message, options)
}
