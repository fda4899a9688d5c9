import { SottoError } from '../errors/index.ts'

/**
 * Codes of HPKE; the cryptographic backend adds `CRYPTO_OPEN_FAILED` and `CRYPTO_BAD_KEY`.
 * - `HPKE_UNSUPPORTED`: an algorithm identifier, or a mode of this KEM, that is not implemented.
 * - `HPKE_BAD_INPUT`: the calling code passed inconsistent or oversized inputs.
 * - `HPKE_SEQUENCE_OVERFLOW`: the context has no nonces left.
 */
export type HpkeErrorCode = 'HPKE_UNSUPPORTED' | 'HPKE_BAD_INPUT' | 'HPKE_SEQUENCE_OVERFLOW'

export function unsupported(what: string, id: number): SottoError<HpkeErrorCode> {
  return new SottoError('HPKE_UNSUPPORTED', 'fix-input', `${what} is not supported`, {
    found: `0x${id.toString(16).padStart(4, '0')}`,
  })
}

export function badInput(message: string): SottoError<HpkeErrorCode> {
  return new SottoError('HPKE_BAD_INPUT', 'fix-input', message)
}

export function sequenceOverflow(): SottoError<HpkeErrorCode> {
  return new SottoError('HPKE_SEQUENCE_OVERFLOW', 'stop', 'no nonces are left in this context')
}
