import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} the gateway throws.
 * - `GATEWAY_UNKNOWN_KEY` (retry): no private key for this key id; fetch the trust bundle again. Outside: 422.
 * - `GATEWAY_REFUSED` (fix-input): the message cannot be opened, or was seen before. Outside: 400, one
 *   answer for every reason.
 * - `GATEWAY_DATE` (retry): the inner `date` is missing or outside the window. Inside: 400.
 * - `GATEWAY_TARGET` (fix-input): inner scheme, authority, method or path is not served, or a field for the gateway is malformed. Inside: 421.
 * - `GATEWAY_REPLACED` (stop): the request that this one was to take the place of may have been opened here, and run. Inside: 409.
 * - `GATEWAY_CUT` (retry): the request was not complete; nothing it asked for has happened.
 * - `GATEWAY_RESPONSE_TOO_LARGE` (fix-input): an unchunked answer passes the limit; use chunked messages.
 * - `GATEWAY_NOT_READY` (retry): not attested, or no key held. Outside: 503.
 * - `GATEWAY_EXPIRED` (stop): this deployment was to end, by its measured configuration, and has. Outside: 503.
 * - `GATEWAY_WITNESSES_SILENT` (retry): no fresh checkpoint of the log for too long, so nothing is served (T13). Outside: 503.
 * - `GATEWAY_REPLAY_FULL` (retry): the replay window can remember no more; requests are refused. Outside: 503.
 * - `GATEWAY_TOKEN_MISSING` (fix-input): this gateway takes requests with an access token only. Inside: 401.
 * - `GATEWAY_TOKEN_INVALID` (fix-input): the token is malformed or its issuer did not sign it. Inside: 401.
 * - `GATEWAY_TOKEN_CHALLENGE` (retry): the token is for another gateway, or for this one before it lost its memory. Inside: 401.
 * - `GATEWAY_TOKEN_KEY` (retry): the token's key is unknown here, has not begun or has ended. Inside: 401.
 * - `GATEWAY_ISSUER_SILENT` (retry): the token's key is unknown here, and the issuer has not been heard for too long; the token is not spent. Inside: 503.
 * - `GATEWAY_TOKEN_SPENT` (retry): the token was spent before. Inside: 401.
 * - `GATEWAY_TOKEN_RATE` (retry): too many requests with tokens of this class; the token is not spent. Inside: 429.
 * - `GATEWAY_SPENT_UNAVAILABLE` (retry): spent tokens cannot be remembered now, so none is taken. Inside: 503.
 */
export type GatewayErrorCode =
  | 'GATEWAY_UNKNOWN_KEY'
  | 'GATEWAY_REFUSED'
  | 'GATEWAY_DATE'
  | 'GATEWAY_TARGET'
  | 'GATEWAY_REPLACED'
  | 'GATEWAY_CUT'
  | 'GATEWAY_RESPONSE_TOO_LARGE'
  | 'GATEWAY_NOT_READY'
  | 'GATEWAY_EXPIRED'
  | 'GATEWAY_WITNESSES_SILENT'
  | 'GATEWAY_REPLAY_FULL'
  | 'GATEWAY_TOKEN_MISSING'
  | 'GATEWAY_TOKEN_INVALID'
  | 'GATEWAY_TOKEN_CHALLENGE'
  | 'GATEWAY_TOKEN_KEY'
  | 'GATEWAY_ISSUER_SILENT'
  | 'GATEWAY_TOKEN_SPENT'
  | 'GATEWAY_TOKEN_RATE'
  | 'GATEWAY_SPENT_UNAVAILABLE'

const ACTIONS: Readonly<Record<GatewayErrorCode, ErrorAction>> = {
  GATEWAY_UNKNOWN_KEY: 'retry',
  GATEWAY_REFUSED: 'fix-input',
  GATEWAY_DATE: 'retry',
  GATEWAY_TARGET: 'fix-input',
  GATEWAY_REPLACED: 'stop',
  GATEWAY_CUT: 'retry',
  GATEWAY_RESPONSE_TOO_LARGE: 'fix-input',
  GATEWAY_NOT_READY: 'retry',
  GATEWAY_EXPIRED: 'stop',
  GATEWAY_WITNESSES_SILENT: 'retry',
  GATEWAY_REPLAY_FULL: 'retry',
  GATEWAY_TOKEN_MISSING: 'fix-input',
  GATEWAY_TOKEN_INVALID: 'fix-input',
  GATEWAY_TOKEN_CHALLENGE: 'retry',
  GATEWAY_TOKEN_KEY: 'retry',
  GATEWAY_ISSUER_SILENT: 'retry',
  GATEWAY_TOKEN_SPENT: 'retry',
  GATEWAY_TOKEN_RATE: 'retry',
  GATEWAY_SPENT_UNAVAILABLE: 'retry',
}

/** HTTP status outside the encryption of each code that may appear there. */
export const GATEWAY_STATUSES: Readonly<Record<string, number>> = {
  GATEWAY_UNKNOWN_KEY: 422,
  GATEWAY_REFUSED: 400,
  GATEWAY_CUT: 400,
  GATEWAY_NOT_READY: 503,
  GATEWAY_EXPIRED: 503,
  GATEWAY_WITNESSES_SILENT: 503,
  GATEWAY_REPLAY_FULL: 503,
}

/** A {@link SottoError} with a gateway code; the action follows from the code. */
export function gatewayError(
  code: GatewayErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<GatewayErrorCode> {
  return new SottoError<GatewayErrorCode>(code, ACTIONS[code], message, options)
}
