import type { ErrorAction } from '../errors/index.ts'
import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `OMS_MALFORMED` (fix-input): no Sigstore bundle with a model signature in it.
 * - `OMS_UNSUPPORTED` (fix-input): a well-formed one of a kind that is not verified here.
 * - `OMS_PATH` (stop): the manifest names a file in a way that is unsafe or ambiguous.
 * - `OMS_SIGNATURE` (stop): not signed by the key or certificate that is asked for.
 * - `OMS_CONTENT` (stop): the manifest contradicts its own digest.
 */
export type OmsErrorCode = 'OMS_MALFORMED' | 'OMS_UNSUPPORTED' | 'OMS_PATH' | 'OMS_SIGNATURE' | 'OMS_CONTENT'

const ACTIONS: Readonly<Record<OmsErrorCode, ErrorAction>> = {
  OMS_MALFORMED: 'fix-input',
  OMS_UNSUPPORTED: 'fix-input',
  OMS_PATH: 'stop',
  OMS_SIGNATURE: 'stop',
  OMS_CONTENT: 'stop',
}

/** A {@link SottoError} about a model signature. `found` may quote its sender: it is cut and made printable. */
export function omsError(
  code: OmsErrorCode,
  message: string,
  options: { expected?: string; found?: string; cause?: unknown } = {},
): SottoError<OmsErrorCode> {
  const { found, ...rest } = options
  return new SottoError<OmsErrorCode>(code, ACTIONS[code], message, {
    ...rest,
    ...(found !== undefined && { found: printable(found) }),
  })
}

function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
