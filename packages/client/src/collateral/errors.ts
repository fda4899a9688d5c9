import type { CollateralBundleErrorCode } from '@sotto/protocol/collateral-bundle'
import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} thrown while collateral is fetched, kept or read.
 * - `COLLATERAL_ADDRESS` (fix-input): an address given in the place of a vendor's is not https, or carries credentials or a query.
 * - `COLLATERAL_EVIDENCE` (fix-input): the evidence does not say, or hides, what would have to be fetched for it.
 * - `COLLATERAL_MISSING` (retry): the vendor has nothing for this chip, firmware level or name, or not yet.
 * - `COLLATERAL_UNREACHABLE` (retry): a vendor did not answer, failed, or asks to wait longer than is waited.
 * - `COLLATERAL_EXPIRED` (retry): what the vendor answered is out of date, or this machine's clock is wrong.
 * - `COLLATERAL_INVALID` (stop): an answer is not what was asked for: a redirect, another type, too large, malformed, about something else, or not signed by the vendor.
 * - `COLLATERAL_ROLLBACK` (stop): an answer is older than one that was seen before; the newer one is kept in mind.
 * - `COLLATERAL_MEMORY` (fix-input): what is remembered of newer answers is damaged; delete it only if you know why.
 */
export type CollateralErrorCode =
  | 'COLLATERAL_ADDRESS'
  | 'COLLATERAL_EVIDENCE'
  | 'COLLATERAL_MISSING'
  | 'COLLATERAL_UNREACHABLE'
  | 'COLLATERAL_EXPIRED'
  | 'COLLATERAL_INVALID'
  | 'COLLATERAL_ROLLBACK'
  | 'COLLATERAL_MEMORY'
  | CollateralBundleErrorCode

const ACTIONS: Readonly<Record<CollateralErrorCode, ErrorAction>> = {
  COLLATERAL_ADDRESS: 'fix-input',
  COLLATERAL_EVIDENCE: 'fix-input',
  COLLATERAL_MISSING: 'retry',
  COLLATERAL_UNREACHABLE: 'retry',
  COLLATERAL_EXPIRED: 'retry',
  COLLATERAL_INVALID: 'stop',
  COLLATERAL_ROLLBACK: 'stop',
  COLLATERAL_MEMORY: 'fix-input',
  COLLATERAL_BUNDLE: 'fix-input',
}

/** A {@link SottoError} with a code of collateral; the action follows from the code. */
export function collateralError(
  code: CollateralErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<CollateralErrorCode> {
  return new SottoError<CollateralErrorCode>(code, ACTIONS[code], message, options)
}
