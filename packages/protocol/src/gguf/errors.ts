import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by the GGUF codec.
 * - `GGUF_MALFORMED` (fix-input): bytes are no GGUF file, its numbers do not fit it, or a part that its kind needs is missing.
 * - `GGUF_UNSUPPORTED` (fix-input): a file is of an architecture, a type of numbers or a feature that is not read here.
 */
export type GgufErrorCode = 'GGUF_MALFORMED' | 'GGUF_UNSUPPORTED'

/** A refusal of the codec. Names from the file are in `found`, cut short. */
export function ggufError(code: GgufErrorCode, message: string, found?: string): SottoError<GgufErrorCode> {
  return new SottoError<GgufErrorCode>(code, 'fix-input', message, {
    ...(found !== undefined && { found: found.slice(0, 120) }),
  })
}
