import { SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `MODEL_NAME` (fix-input): no name of an owner's model.
 * - `MODEL_DOCUMENT` (fix-input): not an owner's document, or one that contradicts itself.
 * - `MODEL_SIGNATURE` (stop): the owner it names did not sign it.
 * - `MODEL_DEPLOYMENT` (fix-input): it is meant for another deployment.
 * - `MODEL_SUBSTITUTED` (stop): a registry answered with another model than was asked for.
 * - `MODEL_RECEIPT` (stop): no receipt of the verified KMS for what was sent to it.
 */
export type SealedModelErrorCode =
  | 'MODEL_NAME'
  | 'MODEL_DOCUMENT'
  | 'MODEL_SIGNATURE'
  | 'MODEL_DEPLOYMENT'
  | 'MODEL_SUBSTITUTED'
  | 'MODEL_RECEIPT'

const STOPS: readonly SealedModelErrorCode[] = ['MODEL_SIGNATURE', 'MODEL_SUBSTITUTED', 'MODEL_RECEIPT']

/** A {@link SottoError} about an owner's model. */
export function sealedModelError(
  code: SealedModelErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<SealedModelErrorCode> {
  const action = STOPS.includes(code) ? 'stop' : 'fix-input'
  return new SottoError<SealedModelErrorCode>(code, action, message, options)
}
