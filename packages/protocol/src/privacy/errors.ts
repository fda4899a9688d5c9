import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `PRIVACY_BOUNDS` (fix-input): a rate, noise, number of steps or delta for which nothing is stated.
 */
export type PrivacyErrorCode = 'PRIVACY_BOUNDS'

/** A {@link SottoError} about what an accountant was asked. */
export function privacyError(
  message: string,
  expected: string,
  found: unknown,
): SottoError<PrivacyErrorCode> {
  return new SottoError<PrivacyErrorCode>('PRIVACY_BOUNDS', 'fix-input', message, {
    expected,
    found: String(found),
  })
}
