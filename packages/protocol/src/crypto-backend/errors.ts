import { SottoError } from '../errors/index.ts'

/**
 * Codes of the cryptographic backend.
 * - `CRYPTO_OPEN_FAILED`: a sealed message is not authentic; the reason is never told.
 * - `CRYPTO_BAD_KEY`: bytes are not a valid key, point or ciphertext of the algorithm.
 * - `CRYPTO_BAD_INPUT`: the calling code asked for something impossible.
 */
export type CryptoErrorCode = 'CRYPTO_OPEN_FAILED' | 'CRYPTO_BAD_KEY' | 'CRYPTO_BAD_INPUT'

/** One message for every cause, so that an attacker learns nothing from it. */
export function openFailed(): SottoError<CryptoErrorCode> {
  return new SottoError('CRYPTO_OPEN_FAILED', 'stop', 'message is not authentic')
}

export function badKey(
  what: string,
  options: { expected?: string; found?: string } = {},
): SottoError<CryptoErrorCode> {
  return new SottoError('CRYPTO_BAD_KEY', 'stop', `${what} is not valid`, options)
}

export function badInput(
  message: string,
  options: { expected?: string; found?: string } = {},
): SottoError<CryptoErrorCode> {
  return new SottoError('CRYPTO_BAD_INPUT', 'fix-input', message, options)
}

/** @throws `CRYPTO_BAD_KEY` unless `bytes` has exactly `length` bytes. */
export function requireKeyLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw badKey(what, { expected: `${length} bytes`, found: `${bytes.length}` })
}
