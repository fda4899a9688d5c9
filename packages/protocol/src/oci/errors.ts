import { type ErrorAction, SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by container images.
 * - `IMAGE_INVALID` (fix-input): a document or a layer of an image is not what it must be.
 * - `IMAGE_UNSUPPORTED` (fix-input): an image holds something that is not read here.
 */
export type OciErrorCode = 'IMAGE_INVALID' | 'IMAGE_UNSUPPORTED'

const ACTIONS: Readonly<Record<OciErrorCode, ErrorAction>> = {
  IMAGE_INVALID: 'fix-input',
  IMAGE_UNSUPPORTED: 'fix-input',
}

/**
 * A {@link SottoError} of an image. Its message is fixed words, and never quotes the image; `found` may.
 */
export function ociError(
  code: OciErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<OciErrorCode> {
  return new SottoError<OciErrorCode>(code, ACTIONS[code], message, options)
}
