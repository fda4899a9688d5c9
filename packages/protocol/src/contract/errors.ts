import { SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `CONTRACT_MALFORMED` (fix-input): not a contract or a document about one, or one that contradicts itself.
 * - `CONTRACT_SIGNATURE` (stop): the party it names did not sign it.
 * - `CONTRACT_OTHER` (stop): it is about another contract, run or deployment.
 * - `CONTRACT_PARTY` (fix-input): the contract has no party of that name.
 * - `CONTRACT_NOT_ACCEPTED` (retry): not every party has signed it.
 * - `CONTRACT_EXPIRED` (fix-input): it is not valid yet, or not any more.
 * - `CONTRACT_WITHDRAWN` (stop): a party took its consent back.
 * - `CONTRACT_CLOSED` (stop): its parties ended it.
 * - `CONTRACT_RUN` (stop): a run, its data or its output is not what the contract and its owners allow.
 * - `CONTRACT_PRIVACY` (fix-input): a guarantee costs more than the contract charges for it.
 * - `CONTRACT_BUDGET` (stop): what the run would cost is more than is left.
 */
export type ContractErrorCode =
  | 'CONTRACT_MALFORMED'
  | 'CONTRACT_SIGNATURE'
  | 'CONTRACT_OTHER'
  | 'CONTRACT_PARTY'
  | 'CONTRACT_NOT_ACCEPTED'
  | 'CONTRACT_EXPIRED'
  | 'CONTRACT_WITHDRAWN'
  | 'CONTRACT_CLOSED'
  | 'CONTRACT_RUN'
  | 'CONTRACT_BUDGET'
  | 'CONTRACT_PRIVACY'

const ACTIONS: Partial<Record<ContractErrorCode, 'fix-input' | 'retry'>> = {
  CONTRACT_MALFORMED: 'fix-input',
  CONTRACT_PARTY: 'fix-input',
  CONTRACT_NOT_ACCEPTED: 'retry',
  CONTRACT_EXPIRED: 'fix-input',
  CONTRACT_PRIVACY: 'fix-input',
}

/** A {@link SottoError} about a contract. */
export function contractError(
  code: ContractErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<ContractErrorCode> {
  return new SottoError<ContractErrorCode>(code, ACTIONS[code] ?? 'stop', message, options)
}
