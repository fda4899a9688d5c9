import { SottoError } from '../errors/index.ts'

/**
 * Codes of Binary HTTP.
 * - `BHTTP_MALFORMED`: bytes or values that no valid message has.
 * - `BHTTP_TRUNCATED`: the message ended where RFC 9292 Section 3.8 does not allow it.
 * - `BHTTP_TOO_LARGE`: a limit of the receiver was passed; `expected` names it.
 */
export type BhttpErrorCode = 'BHTTP_MALFORMED' | 'BHTTP_TRUNCATED' | 'BHTTP_TOO_LARGE'

/** `what` is a part of the format and never content of the message, which is secret. */
export function malformed(what: string): SottoError<BhttpErrorCode> {
  return new SottoError('BHTTP_MALFORMED', 'fix-input', `binary HTTP message is malformed: ${what}`)
}

export function truncated(): SottoError<BhttpErrorCode> {
  return new SottoError('BHTTP_TRUNCATED', 'fix-input', 'binary HTTP message ends too early')
}

export function tooLarge(limit: string, value: number): SottoError<BhttpErrorCode> {
  return new SottoError('BHTTP_TOO_LARGE', 'fix-input', 'binary HTTP message is larger than allowed', {
    expected: `${limit} at most ${value}`,
  })
}
