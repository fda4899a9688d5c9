import { approximateVarint, encodedLength } from './varint.ts'

/** What a partly received item takes at first; it then doubles, so a false length costs an attacker real bytes. */
const FIRST_ALLOCATION = 16 * 1024
const NOTHING = new Uint8Array(0)

/**
 * Reads items from input that arrives in pieces of any size. Every method answers undefined
 * until the item is complete, and must then be called again for the same item after `feed`.
 * Items that lie whole in one piece come back as views of it; nothing is ever re-scanned.
 */
export class PushReader {
  #input: Uint8Array = NOTHING
  #offset = 0
  readonly #varint = new Uint8Array(8)
  #varintFilled = 0
  #partial: Uint8Array | undefined
  #filled = 0

  /** Takes the next piece. The one before must have been read to its end. */
  feed(input: Uint8Array): void {
    if (this.available > 0) throw new RangeError('the piece before was not read to its end')
    this.#input = input
    this.#offset = 0
  }

  /** Bytes of the current piece that are not read yet. */
  get available(): number {
    return this.#input.length - this.#offset
  }

  /** True when no item is half received. */
  get isBetweenItems(): boolean {
    return this.#varintFilled === 0 && this.#partial === undefined
  }

  /** The next variable-length integer; rounded above 2^53. */
  varint(): number | undefined {
    while (this.#varintFilled === 0 || this.#varintFilled < encodedLength(this.#varint[0]!)) {
      if (this.available === 0) return undefined
      this.#varint[this.#varintFilled++] = this.#input[this.#offset++]!
    }
    const value = approximateVarint(this.#varint, this.#varintFilled)
    this.#varintFilled = 0
    return value
  }

  /** The next `length` bytes. The caller has bounded `length`. */
  take(length: number): Uint8Array | undefined {
    if (this.#partial === undefined) {
      if (this.available >= length) return this.#advance(length)
      this.#partial = new Uint8Array(Math.min(length, Math.max(FIRST_ALLOCATION, this.available)))
      this.#filled = 0
    }
    const part = this.#advance(Math.min(length - this.#filled, this.available))
    if (this.#filled + part.length > this.#partial.length) {
      const grown = new Uint8Array(
        Math.min(length, Math.max(2 * this.#partial.length, this.#filled + part.length)),
      )
      grown.set(this.#partial.subarray(0, this.#filled))
      this.#partial = grown
    }
    this.#partial.set(part, this.#filled)
    this.#filled += part.length
    if (this.#filled < length) return undefined
    const whole = this.#partial
    this.#partial = undefined
    return whole
  }

  /** Up to `max` bytes of the current piece, as a view; empty when nothing is there. */
  takeSome(max: number): Uint8Array {
    return this.#advance(Math.min(max, this.available))
  }

  /** Forgets everything that is held. */
  clear(): void {
    this.#input = NOTHING
    this.#offset = 0
    this.#varintFilled = 0
    this.#partial = undefined
  }

  #advance(length: number): Uint8Array {
    const view = this.#input.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    return view
  }
}
