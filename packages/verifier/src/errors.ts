import { SottoError, type ErrorAction, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} thrown by this package.
 * - `EVIDENCE_MALFORMED` (fix-input): not a report of this family.
 * - `EVIDENCE_ROOT` (stop): the root that signed is not one the policy names.
 * - `EVIDENCE_SIGNATURE` (stop): the signature does not cover these bytes.
 * - `EVIDENCE_REFUSED` (stop): authentic, but not acceptable under this policy.
 * - `POLICY_MALFORMED` (fix-input): the trust policy document is malformed.
 * - `RECEIPT_INVALID` (stop): a receipt is not authentic, or is about another request or answer.
 */
export type VerifierErrorCode =
  | 'EVIDENCE_MALFORMED'
  | 'EVIDENCE_ROOT'
  | 'EVIDENCE_SIGNATURE'
  | 'EVIDENCE_REFUSED'
  | 'POLICY_MALFORMED'
  | 'RECEIPT_INVALID'

/** A {@link SottoError} with a code of this package; the action follows from the code. */
export function verifierError(
  code: VerifierErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<VerifierErrorCode> {
  const action: ErrorAction = code.endsWith('_MALFORMED') ? 'fix-input' : 'stop'
  return new SottoError<VerifierErrorCode>(code, action, message, options)
}
