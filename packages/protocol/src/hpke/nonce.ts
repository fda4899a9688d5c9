import { sequenceOverflow } from './errors.ts'

/**
 * Largest sequence number, far below the 2^96 - 1 of RFC 9180 Section 5.2: a number counts exactly
 * up to it, and no sender reaches it.
 */
const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER

/** The nonces of a context: base nonce XOR sequence number, each used once. */
export class NonceSequence {
  readonly #base: Uint8Array
  readonly #nonce: Uint8Array
  #sequence: number

  /** `firstSequence` other than 0 is for tests of the overflow. */
  constructor(base: Uint8Array, firstSequence = 0) {
    this.#base = base
    this.#nonce = new Uint8Array(base)
    this.#sequence = firstSequence
  }

  /** Nonce of the current sequence number: a buffer that the next call changes. @throws `HPKE_SEQUENCE_OVERFLOW` */
  current(): Uint8Array {
    if (this.#sequence >= MAX_SEQUENCE) throw sequenceOverflow()
    let rest = this.#sequence
    for (let i = this.#nonce.length - 1; i >= 0; i--) {
      this.#nonce[i] = this.#base[i]! ^ (rest % 256)
      rest = Math.floor(rest / 256)
    }
    return this.#nonce
  }

  /** The current nonce, and moves on: it will not be given again. @throws `HPKE_SEQUENCE_OVERFLOW` */
  next(): Uint8Array {
    const nonce = this.current()
    this.#sequence++
    return nonce
  }
}
