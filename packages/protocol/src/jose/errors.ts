import { SottoError, type ErrorAction } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by the JOSE functions.
 * - `JOSE_MALFORMED` (fix-input): not a compact JWS, a JWK Set or a claims set in strict form.
 * - `JOSE_UNSUPPORTED` (fix-input): a header parameter that changes the meaning of a token (`crit`, `b64`).
 * - `JOSE_ALGORITHM` (stop): an algorithm that the caller does not allow, `none` above all, or a key of another kind.
 * - `JOSE_KEY` (stop): the key set has no such key for this use.
 * - `JOSE_SIGNATURE` (stop): the signature does not cover this token.
 * - `JOSE_TIME` (stop): the token is not valid at this time.
 */
export type JoseErrorCode =
  | 'JOSE_MALFORMED'
  | 'JOSE_UNSUPPORTED'
  | 'JOSE_ALGORITHM'
  | 'JOSE_KEY'
  | 'JOSE_SIGNATURE'
  | 'JOSE_TIME'

/** A {@link SottoError} about a token; the action follows from the code. Never the token itself. */
export function joseError(
  code: JoseErrorCode,
  message: string,
  expected?: string,
  found?: string,
): SottoError<JoseErrorCode> {
  const action: ErrorAction = code === 'JOSE_MALFORMED' || code === 'JOSE_UNSUPPORTED' ? 'fix-input' : 'stop'
  return new SottoError<JoseErrorCode>(code, action, message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found: found.slice(0, 128) }),
  })
}
