import { type ErrorAction, SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `SHARE_INVALID` (fix-input): shares that do not belong together, stand twice or are too few; or a share of the wrong length.
 * - `SHARE_FOREIGN` (stop): a share is wrapped to another custodian, or is not the one its ShareSet commits to.
 */
export type CustodyErrorCode = 'SHARE_INVALID' | 'SHARE_FOREIGN'

const ACTIONS: Readonly<Record<CustodyErrorCode, ErrorAction>> = {
  SHARE_INVALID: 'fix-input',
  SHARE_FOREIGN: 'stop',
}

/** A {@link SottoError} about shares; the action follows from the code. Never a share in it. */
export function custodyError(
  code: CustodyErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<CustodyErrorCode> {
  return new SottoError<CustodyErrorCode>(code, ACTIONS[code], message, options)
}
