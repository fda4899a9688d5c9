import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} thrown by this package (beside those of `@sotto/serve`).
 * - `RELAY_UNKNOWN_GATEWAY` (fix-input): no gateway of this name; the relay reaches no other target.
 * - `RELAY_GATEWAY_FAILED` (retry): the gateway is unreachable or answered something that is not OHTTP.
 * - `RELAY_NO_GATEWAY` (retry): of several enclaves behind this name none is ready, or none took a connection; nothing was sent.
 * - `RELAY_GATEWAY_REFUSED` (fix-input): the gateway refused the encapsulated message.
 * - `RELAY_GATEWAY_BUSY` (retry): the gateway asks to come back later.
 * - `RELAY_ORIGIN` (fix-input): a page of an origin that is not listed asked for a WebSocket.
 * - `RELAY_LOG_FAILED` (retry): the log is unreachable or answered something that is no checkpoint or tile.
 * - `RELAY_TOO_SLOW` (retry): one side sent nothing for too long, or the exchange took too long.
 * - `LOG_UNAUTHORIZED` (fix-input): no append token, or a wrong one.
 * - `LOG_ENTRY_INVALID` (fix-input): the entry is not one canonical DSSE envelope, or too large.
 * - `LOG_BUSY` (retry): too many entries wait to be written.
 * - `LOG_STORE_FULL` (retry): the disk is full; the log still answers reads.
 * - `LOG_STORE_FAILED` (retry): the store could not write; the entry may or may not be in the log.
 * - `LOG_NOT_WITNESSED` (retry): stored, but too few witnesses cosigned in time.
 * - `LOG_FORKED` (stop): stored tree, published checkpoint and witnesses do not agree; nothing is appended.
 * - `STORE_CORRUPT` (stop): the store's own records contradict each other.
 * - `STORE_IN_USE` (fix-input): another process holds the store.
 * - `STORE_KEY_MISSING` (fix-input): the store has records but its key file is gone, or is another's.
 * - `WITNESS_MALFORMED` (fix-input), `WITNESS_UNKNOWN_LOG`, `WITNESS_BAD_SIGNATURE` (fix-input),
 *   `WITNESS_BAD_PROOF` (stop), `WITNESS_CONFLICT` (retry): C2SP tlog-witness 400, 404, 403, 422, 409.
 * - `ISSUER_UNAUTHORIZED` (fix-input): no API key, or one that is unknown, revoked or expired; on admin routes, no admin token.
 * - `ISSUER_ACCOUNT` (fix-input): no such account, API key or token class, or more of them than are kept.
 * - `ISSUER_CLASS` (fix-input): this account has no quota for tokens of this class.
 * - `ISSUER_REQUEST` (fix-input): the request is not one of token type 2 that can be signed.
 * - `ISSUER_KEY_UNKNOWN` (retry): no live token key of this id; fetch the directory again.
 * - `ISSUER_QUOTA` (retry): the account's quota of this period does not cover the request; nothing was charged.
 * - `ISSUER_NOT_READY` (retry): the token keys are not in the log yet, so nothing is signed with them.
 * - `ISSUER_STORE_FULL` (retry): the disk is full; nothing was charged and nothing signed.
 * - `ISSUER_STORE_FAILED` (retry): the store did not answer; send the same request again, it is charged once.
 * - `ISSUER_FAULT` (stop): a signature did not verify after it was made; it was withheld.
 * - `REGISTRY_OWNER` (fix-input): this key is no owner of this registry.
 * - `REGISTRY_QUOTA` (fix-input): the owner has as many models, bytes or unfinished uploads as it may.
 * - `REGISTRY_TIME` (fix-input): a document of an owner is too old to act on, or made in the future; compare the clocks.
 * - `REGISTRY_UPLOAD_UNKNOWN` (fix-input): no such upload; it expired, or its bytes had another digest. Begin again.
 * - `REGISTRY_OFFSET` (retry): the upload is at another offset, which the header `upload-offset` of the answer names.
 * - `REGISTRY_DIGEST` (fix-input): what was uploaded has not the digest that was announced; it is thrown away.
 * - `REGISTRY_BLOB_MISSING` (fix-input): the sealed file that a statement names was not uploaded.
 * - `REGISTRY_VERSION` (fix-input): this version of the model, or a higher one, was published before.
 * - `REGISTRY_MODEL_UNKNOWN` (fix-input): no model of this name, or no blob of this digest.
 * - `REGISTRY_MODEL_REMOVED` (fix-input): the owner removed it, or it expired.
 * - `REGISTRY_RANGE` (fix-input): no single range of bytes of this blob.
 * - `REGISTRY_DISK_FULL` (retry): the disk is full; what was stored before is intact.
 * - `REGISTRY_STORE_FAILED` (retry): the store did not answer; the same request may be sent again.
 * - `BOARD_OWNER` (fix-input): this key is no owner who may open boards here, or write to those it opened.
 * - `BOARD_UNKNOWN` (fix-input): no such board, or this token does not open it; a board at which nobody wrote for long is gone.
 * - `BOARD_TAKEN` (fix-input): a board of this id was opened before, by another owner or with another token.
 * - `BOARD_QUOTA` (fix-input): the owner has as many boards or bytes as it may, or the board as many messages or files.
 * - `BOARD_TIME` (fix-input): the opening is too old to act on, or made in the future; compare the clocks.
 * - `BOARD_REQUEST` (fix-input): an empty message, no place in the list of messages, or no announcement of a file.
 * - `BOARD_OFFSET` (retry): the file is at another offset, which the header `upload-offset` of the answer names.
 * - `BOARD_DIGEST` (fix-input): the file has not the digest that was announced, and is thrown away; or it was announced with another size.
 * - `BOARD_FILE_UNKNOWN` (fix-input): the board has no such file, or not all of it.
 * - `BOARD_RANGE` (fix-input): no single range of bytes of this file.
 * - `BOARD_DISK_FULL` (retry): the disk is full; what was stored before is intact.
 * - `BOARD_STORE_FAILED` (retry): the store did not answer; the same request may be sent again.
 */
export type EdgeErrorCode =
  | 'RELAY_UNKNOWN_GATEWAY'
  | 'RELAY_GATEWAY_FAILED'
  | 'RELAY_NO_GATEWAY'
  | 'RELAY_GATEWAY_REFUSED'
  | 'RELAY_GATEWAY_BUSY'
  | 'RELAY_ORIGIN'
  | 'RELAY_LOG_FAILED'
  | 'RELAY_TOO_SLOW'
  | 'LOG_UNAUTHORIZED'
  | 'LOG_ENTRY_INVALID'
  | 'LOG_BUSY'
  | 'LOG_STORE_FULL'
  | 'LOG_STORE_FAILED'
  | 'LOG_NOT_WITNESSED'
  | 'LOG_FORKED'
  | 'STORE_CORRUPT'
  | 'STORE_IN_USE'
  | 'STORE_KEY_MISSING'
  | 'WITNESS_MALFORMED'
  | 'WITNESS_UNKNOWN_LOG'
  | 'WITNESS_BAD_SIGNATURE'
  | 'WITNESS_BAD_PROOF'
  | 'WITNESS_CONFLICT'
  | 'ISSUER_UNAUTHORIZED'
  | 'ISSUER_ACCOUNT'
  | 'ISSUER_CLASS'
  | 'ISSUER_REQUEST'
  | 'ISSUER_KEY_UNKNOWN'
  | 'ISSUER_QUOTA'
  | 'ISSUER_NOT_READY'
  | 'ISSUER_STORE_FULL'
  | 'ISSUER_STORE_FAILED'
  | 'ISSUER_FAULT'
  | 'REGISTRY_OWNER'
  | 'REGISTRY_QUOTA'
  | 'REGISTRY_TIME'
  | 'REGISTRY_UPLOAD_UNKNOWN'
  | 'REGISTRY_OFFSET'
  | 'REGISTRY_DIGEST'
  | 'REGISTRY_BLOB_MISSING'
  | 'REGISTRY_VERSION'
  | 'REGISTRY_MODEL_UNKNOWN'
  | 'REGISTRY_MODEL_REMOVED'
  | 'REGISTRY_RANGE'
  | 'REGISTRY_DISK_FULL'
  | 'REGISTRY_STORE_FAILED'
  | 'BOARD_OWNER'
  | 'BOARD_UNKNOWN'
  | 'BOARD_TAKEN'
  | 'BOARD_QUOTA'
  | 'BOARD_TIME'
  | 'BOARD_REQUEST'
  | 'BOARD_OFFSET'
  | 'BOARD_DIGEST'
  | 'BOARD_FILE_UNKNOWN'
  | 'BOARD_RANGE'
  | 'BOARD_DISK_FULL'
  | 'BOARD_STORE_FAILED'

const ACTIONS: Readonly<Record<EdgeErrorCode, ErrorAction>> = {
  RELAY_UNKNOWN_GATEWAY: 'fix-input',
  RELAY_GATEWAY_FAILED: 'retry',
  RELAY_NO_GATEWAY: 'retry',
  RELAY_GATEWAY_REFUSED: 'fix-input',
  RELAY_GATEWAY_BUSY: 'retry',
  RELAY_ORIGIN: 'fix-input',
  RELAY_LOG_FAILED: 'retry',
  RELAY_TOO_SLOW: 'retry',
  LOG_UNAUTHORIZED: 'fix-input',
  LOG_ENTRY_INVALID: 'fix-input',
  LOG_BUSY: 'retry',
  LOG_STORE_FULL: 'retry',
  LOG_STORE_FAILED: 'retry',
  LOG_NOT_WITNESSED: 'retry',
  LOG_FORKED: 'stop',
  STORE_CORRUPT: 'stop',
  STORE_IN_USE: 'fix-input',
  STORE_KEY_MISSING: 'fix-input',
  WITNESS_MALFORMED: 'fix-input',
  WITNESS_UNKNOWN_LOG: 'fix-input',
  WITNESS_BAD_SIGNATURE: 'fix-input',
  WITNESS_BAD_PROOF: 'stop',
  WITNESS_CONFLICT: 'retry',
  ISSUER_UNAUTHORIZED: 'fix-input',
  ISSUER_ACCOUNT: 'fix-input',
  ISSUER_CLASS: 'fix-input',
  ISSUER_REQUEST: 'fix-input',
  ISSUER_KEY_UNKNOWN: 'retry',
  ISSUER_QUOTA: 'retry',
  ISSUER_NOT_READY: 'retry',
  ISSUER_STORE_FULL: 'retry',
  ISSUER_STORE_FAILED: 'retry',
  ISSUER_FAULT: 'stop',
  REGISTRY_OWNER: 'fix-input',
  REGISTRY_QUOTA: 'fix-input',
  REGISTRY_TIME: 'fix-input',
  REGISTRY_UPLOAD_UNKNOWN: 'fix-input',
  REGISTRY_OFFSET: 'retry',
  REGISTRY_DIGEST: 'fix-input',
  REGISTRY_BLOB_MISSING: 'fix-input',
  REGISTRY_VERSION: 'fix-input',
  REGISTRY_MODEL_UNKNOWN: 'fix-input',
  REGISTRY_MODEL_REMOVED: 'fix-input',
  REGISTRY_RANGE: 'fix-input',
  REGISTRY_DISK_FULL: 'retry',
  REGISTRY_STORE_FAILED: 'retry',
  BOARD_OWNER: 'fix-input',
  BOARD_UNKNOWN: 'fix-input',
  BOARD_TAKEN: 'fix-input',
  BOARD_QUOTA: 'fix-input',
  BOARD_TIME: 'fix-input',
  BOARD_REQUEST: 'fix-input',
  BOARD_OFFSET: 'retry',
  BOARD_DIGEST: 'fix-input',
  BOARD_FILE_UNKNOWN: 'fix-input',
  BOARD_RANGE: 'fix-input',
  BOARD_DISK_FULL: 'retry',
  BOARD_STORE_FAILED: 'retry',
}

/** HTTP status of each code, for `mapErrors`. */
export const EDGE_STATUSES: Readonly<Record<EdgeErrorCode, number>> = {
  RELAY_UNKNOWN_GATEWAY: 404,
  RELAY_GATEWAY_FAILED: 502,
  RELAY_NO_GATEWAY: 503,
  RELAY_GATEWAY_REFUSED: 400,
  RELAY_GATEWAY_BUSY: 503,
  RELAY_ORIGIN: 403,
  RELAY_LOG_FAILED: 502,
  RELAY_TOO_SLOW: 504,
  LOG_UNAUTHORIZED: 401,
  LOG_ENTRY_INVALID: 400,
  LOG_BUSY: 503,
  LOG_STORE_FULL: 507,
  LOG_STORE_FAILED: 503,
  LOG_NOT_WITNESSED: 503,
  LOG_FORKED: 500,
  STORE_CORRUPT: 500,
  STORE_IN_USE: 500,
  STORE_KEY_MISSING: 500,
  WITNESS_MALFORMED: 400,
  WITNESS_UNKNOWN_LOG: 404,
  WITNESS_BAD_SIGNATURE: 403,
  WITNESS_BAD_PROOF: 422,
  WITNESS_CONFLICT: 409,
  ISSUER_UNAUTHORIZED: 401,
  ISSUER_ACCOUNT: 404,
  ISSUER_CLASS: 403,
  ISSUER_REQUEST: 422,
  ISSUER_KEY_UNKNOWN: 422,
  ISSUER_QUOTA: 429,
  ISSUER_NOT_READY: 503,
  ISSUER_STORE_FULL: 507,
  ISSUER_STORE_FAILED: 503,
  ISSUER_FAULT: 500,
  REGISTRY_OWNER: 403,
  REGISTRY_QUOTA: 403,
  REGISTRY_TIME: 400,
  REGISTRY_UPLOAD_UNKNOWN: 404,
  REGISTRY_OFFSET: 409,
  REGISTRY_DIGEST: 422,
  REGISTRY_BLOB_MISSING: 409,
  REGISTRY_VERSION: 409,
  REGISTRY_MODEL_UNKNOWN: 404,
  REGISTRY_MODEL_REMOVED: 410,
  REGISTRY_RANGE: 416,
  REGISTRY_DISK_FULL: 507,
  REGISTRY_STORE_FAILED: 503,
  BOARD_OWNER: 403,
  BOARD_UNKNOWN: 404,
  BOARD_TAKEN: 409,
  BOARD_QUOTA: 403,
  BOARD_TIME: 400,
  BOARD_REQUEST: 400,
  BOARD_OFFSET: 409,
  BOARD_DIGEST: 422,
  BOARD_FILE_UNKNOWN: 404,
  BOARD_RANGE: 416,
  BOARD_DISK_FULL: 507,
  BOARD_STORE_FAILED: 503,
}

/** A {@link SottoError} with a code of this package; the action follows from the code. */
export function edgeError(
  code: EdgeErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<EdgeErrorCode> {
  return new SottoError<EdgeErrorCode>(code, ACTIONS[code], message, options)
}
