import { type ErrorAction, SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `TOKEN_MALFORMED` (fix-input): bytes, a header field or a document is not what RFC 9577, RFC 9578 or we prescribe.
 * - `TOKEN_KEY` (stop): a token key is not one of RSASSA-PSS with SHA-384 and 2048 bits.
 * - `TOKEN_UNSIGNED` (stop): what the issuer answered is no signature of what was blinded.
 */
export type TokenErrorCode = 'TOKEN_MALFORMED' | 'TOKEN_KEY' | 'TOKEN_UNSIGNED'

const ACTIONS: Readonly<Record<TokenErrorCode, ErrorAction>> = {
  TOKEN_MALFORMED: 'fix-input',
  TOKEN_KEY: 'stop',
  TOKEN_UNSIGNED: 'stop',
}

/** A {@link SottoError} about tokens. Never holds a token, a nonce or a blinded message. */
export function tokenError(
  code: TokenErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<TokenErrorCode> {
  return new SottoError<TokenErrorCode>(code, ACTIONS[code], message, options)
}
