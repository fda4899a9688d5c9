import { SottoError, type ErrorAction, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} thrown by this package.
 * - `EVIDENCE_MALFORMED` (fix-input): not a report of this family.
 * - `EVIDENCE_ROOT` (stop): the root that signed is not one the policy names.
 * - `EVIDENCE_SIGNATURE` (stop): the signature does not cover these bytes.
 * - `EVIDENCE_REFUSED` (stop): authentic, but not acceptable under this policy.
 * - `FAMILY_NOT_LOADED` (retry): nothing was judged; only in pages that load kinds of evidence on demand.
 * - `POLICY_MALFORMED` (fix-input): the trust policy document is malformed.
 * - `RECEIPT_INVALID` (stop): a receipt is not authentic, or is about another request or answer.
 */
export type VerifierErrorCode =
  | 'EVIDENCE_MALFORMED'
  | 'EVIDENCE_ROOT'
  | 'EVIDENCE_SIGNATURE'
  | 'EVIDENCE_REFUSED'
  | 'FAMILY_NOT_LOADED'
  | 'POLICY_MALFORMED'
  | 'RECEIPT_INVALID'

/** A {@link SottoError} with a code of this package; the action follows from the code. */
export function verifierError(
  code: VerifierErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<VerifierErrorCode> {
  return new SottoError<VerifierErrorCode>(code, actionOf(code), message, options)
}

function actionOf(code: VerifierErrorCode): ErrorAction {
  if (code === 'FAMILY_NOT_LOADED') return 'retry'
  return code.endsWith('_MALFORMED') ? 'fix-input' : 'stop'
}
