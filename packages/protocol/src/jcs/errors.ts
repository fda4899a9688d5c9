import { SottoError } from '../errors/index.ts'

/** Codes of {@link SottoError} thrown by the JSON functions. */
export type JcsErrorCode = 'JCS_UNSUPPORTED' | 'JCS_MALFORMED' | 'JCS_FIELD'

/** A {@link SottoError} about JSON. Says what kind of value stood there, never the value. */
export function jcsError(
  code: JcsErrorCode,
  message: string,
  expected?: string,
  found?: string,
): SottoError<JcsErrorCode> {
  return new SottoError<JcsErrorCode>(code, 'fix-input', message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found: found.slice(0, 128) }),
  })
}
