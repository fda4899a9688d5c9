import { SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Code of {@link SottoError} thrown here.
 * - `COLLATERAL_BUNDLE` (fix-input): a file or folder is not a bundle of collateral, or was damaged.
 */
export type CollateralBundleErrorCode = 'COLLATERAL_BUNDLE'

/** A {@link SottoError} about a bundle. */
export function bundleError(
  message: string,
  options: SottoErrorOptions = {},
): SottoError<CollateralBundleErrorCode> {
  return new SottoError<CollateralBundleErrorCode>('COLLATERAL_BUNDLE', 'fix-input', message, options)
}
