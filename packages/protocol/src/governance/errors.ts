import { SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by the governance functions.
 * - `GOVERNANCE_MALFORMED` (fix-input): not what a member signs, or a document in it is malformed.
 * - `GOVERNANCE_SIGNATURE` (stop): no member signed it.
 * - `GOVERNANCE_UNDECIDED` (stop): the ballots of a decision do not decide its proposal.
 * - `GOVERNANCE_SUCCESSION` (stop): a constitution does not follow from the one before.
 */
export type GovernanceErrorCode =
  | 'GOVERNANCE_MALFORMED'
  | 'GOVERNANCE_SIGNATURE'
  | 'GOVERNANCE_UNDECIDED'
  | 'GOVERNANCE_SUCCESSION'

/** A {@link SottoError} about governance; the action follows from the code. */
export function governanceError(
  code: GovernanceErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<GovernanceErrorCode> {
  return new SottoError<GovernanceErrorCode>(
    code,
    code === 'GOVERNANCE_MALFORMED' ? 'fix-input' : 'stop',
    message,
    options,
  )
}
