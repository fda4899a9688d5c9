import { SottoError } from '../errors/index.ts'

/** Code of {@link SottoError} for bytes that are not strict DER: what is written in it here is X.509. */
export type DerErrorCode = 'X509_MALFORMED'

/** A {@link SottoError} about the encoding of a certificate, an extension, a CRL or an OCSP response. */
export function malformed(message: string, expected?: string, found?: string): SottoError<DerErrorCode> {
  return new SottoError<DerErrorCode>('X509_MALFORMED', 'fix-input', message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found: found.slice(0, 128) }),
  })
}
