import type { ErrorAction } from '../errors/index.ts'
import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `OMS_MALFORMED` (fix-input): no Sigstore bundle with a model signature in it.
 * - `OMS_UNSUPPORTED` (fix-input): a well-formed one of a kind that is not verified here.
 * - `OMS_PATH` (stop): the manifest names a file in a way that is unsafe or ambiguous.
 * - `OMS_SIGNATURE` (stop): not signed by the key or certificate that is asked for.
 * - `OMS_CONTENT` (stop): the manifest contradicts its own digest.
 * - `OMS_TRUSTED_ROOT` (fix-input): no trusted root of a Sigstore deployment.
 * - `OMS_CERTIFICATE` (stop): the certificate of a keyless signature is not by an authority of the trusted root, or not for signing code.
 * - `OMS_SCT` (stop): no certificate transparency log of the trusted root has seen that certificate.
 * - `OMS_LOG` (stop): no transparency log of the trusted root vouches for the signature and its time.
 * - `OMS_LOG_BODY` (stop): what the log vouches for is another signature, payload or certificate.
 * - `OMS_IDENTITY` (stop): signed by another identity, or one that another issuer vouches for, than is asked for.
 */
export type OmsErrorCode =
  | 'OMS_MALFORMED'
  | 'OMS_UNSUPPORTED'
  | 'OMS_PATH'
  | 'OMS_SIGNATURE'
  | 'OMS_CONTENT'
  | 'OMS_TRUSTED_ROOT'
  | 'OMS_CERTIFICATE'
  | 'OMS_SCT'
  | 'OMS_LOG'
  | 'OMS_LOG_BODY'
  | 'OMS_IDENTITY'

const ACTIONS: Readonly<Record<OmsErrorCode, ErrorAction>> = {
  OMS_MALFORMED: 'fix-input',
  OMS_UNSUPPORTED: 'fix-input',
  OMS_PATH: 'stop',
  OMS_SIGNATURE: 'stop',
  OMS_CONTENT: 'stop',
  OMS_TRUSTED_ROOT: 'fix-input',
  OMS_CERTIFICATE: 'stop',
  OMS_SCT: 'stop',
  OMS_LOG: 'stop',
  OMS_LOG_BODY: 'stop',
  OMS_IDENTITY: 'stop',
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

/**
 * What `read` returns. What other folders refuse in it is refused with a code of this one, and with the `expected` and
 * `found` of the other.
 */
export function refuseAs<T>(code: OmsErrorCode, message: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof SottoError) || cause.code.startsWith('OMS_')) throw cause
    throw omsError(code, `${message}: ${cause.message}`, {
      ...(cause.expected !== undefined && { expected: cause.expected }),
      ...(cause.found !== undefined && { found: cause.found }),
      cause,
    })
  }
}

function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
