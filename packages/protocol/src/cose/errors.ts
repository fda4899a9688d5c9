import { SottoError, type ErrorAction } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by the COSE functions.
 * - `COSE_MALFORMED` (fix-input): not a COSE_Sign1 message as RFC 9052 and RFC 9360 have it.
 * - `COSE_UNSUPPORTED` (fix-input): a critical header parameter that is not understood, or a detached payload.
 * - `COSE_ALGORITHM` (stop): an algorithm that the caller does not allow, or a key of another kind.
 * - `COSE_SIGNATURE` (stop): the signature does not cover this message.
 */
export type CoseErrorCode = 'COSE_MALFORMED' | 'COSE_UNSUPPORTED' | 'COSE_ALGORITHM' | 'COSE_SIGNATURE'

/** A {@link SottoError} about a COSE message; the action follows from the code. */
export function coseError(
  code: CoseErrorCode,
  message: string,
  expected?: string,
  found?: string,
): SottoError<CoseErrorCode> {
  const action: ErrorAction = code === 'COSE_ALGORITHM' || code === 'COSE_SIGNATURE' ? 'stop' : 'fix-input'
  return new SottoError<CoseErrorCode>(code, action, message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found: found.slice(0, 128) }),
  })
}
