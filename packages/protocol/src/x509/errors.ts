import type { DerErrorCode } from '../der/index.ts'
import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `X509_MALFORMED`: bytes are not strict DER of what they should be.
 * - `X509_UNSUPPORTED` (fix-input): well formed, with an algorithm, key or version that nothing here uses.
 * - `X509_CHAIN` (stop): certificates do not lead to a pinned root.
 * - `X509_CRITICAL` (stop): a certificate has a critical extension that nobody here understands.
 * - `X509_EXPIRED` (stop): not valid at the time in question, and nothing else is wrong.
 * - `X509_CRL`, `X509_OCSP` (stop): a statement about revocation is not genuine or not about this certificate.
 */
export type X509ErrorCode =
  | DerErrorCode
  | 'X509_UNSUPPORTED'
  | 'X509_CHAIN'
  | 'X509_CRITICAL'
  | 'X509_EXPIRED'
  | 'X509_CRL'
  | 'X509_OCSP'

export function unsupported(message: string, expected?: string, found?: string): SottoError<X509ErrorCode> {
  return x509Error('X509_UNSUPPORTED', message, expected, found)
}

/** Not to be trusted (`stop`), unless the piece is only unreadable (`fix-input`). */
export function x509Error(
  code: X509ErrorCode,
  message: string,
  expected?: string,
  found?: string,
): SottoError<X509ErrorCode> {
  const action = code === 'X509_MALFORMED' || code === 'X509_UNSUPPORTED' ? 'fix-input' : 'stop'
  return new SottoError<X509ErrorCode>(code, action, message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found: found.slice(0, 256) }),
  })
}

/** Unix seconds for a message. */
export function dateText(seconds: number): string {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z')
}
