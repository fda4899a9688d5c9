import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by the CBOR functions.
 * - `CBOR_MALFORMED` (fix-input): not CBOR in the one spelling that is accepted here.
 * - `CBOR_UNSUPPORTED` (fix-input): well-formed CBOR of a kind that none of our formats has.
 */
export type CborErrorCode = 'CBOR_MALFORMED' | 'CBOR_UNSUPPORTED'

/** A {@link SottoError} about CBOR. Says where, never the value. */
export function cborError(
  code: CborErrorCode,
  message: string,
  expected?: string,
  found?: string,
): SottoError<CborErrorCode> {
  return new SottoError<CborErrorCode>(code, 'fix-input', message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found }),
  })
}
