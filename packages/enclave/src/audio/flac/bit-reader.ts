/** Thrown when the window ends inside a frame: more bytes may complete it. */
export class NeedMoreBytes extends Error {}

const NEED_MORE = new NeedMoreBytes('the window ends inside the frame')

/** Reads big-endian bit fields of at most 33 bits; never past the end of the window. */
export class BitReader {
  readonly #bytes: Uint8Array
  readonly #limit: number
  #bit = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#limit = bytes.length * 8
  }

  /** Whole bytes used so far, the last one counted even when only begun. */
  get byteOffset(): number {
    return (this.#bit + 7) >>> 3
  }

  /** Unsigned integer of 0 to 32 bits. */
  bits(count: number): number {
    if (count === 0) return 0
    if (this.#bit + count > this.#limit) throw NEED_MORE
    const value = this.#peek() >>> (32 - count)
    this.#bit += count
    return value
  }

  /** Two's complement integer of 1 to 33 bits (33: the side channel of 32-bit stereo). */
  signed(count: number): number {
    if (count > 32) return (this.bits(1) === 1 ? -4_294_967_296 : 0) + this.bits(32)
    if (count === 32) return this.bits(32) | 0
    return (this.bits(count) << (32 - count)) >> (32 - count)
  }

  /** Number of zero bits before the next one bit, which is passed as well. */
  unary(): number {
    let zeros = 0
    for (;;) {
      const ahead = this.#peek()
      if (ahead !== 0) {
        const more = Math.clz32(ahead)
        this.#bit += more + 1
        if (this.#bit > this.#limit) throw NEED_MORE
        return zeros + more
      }
      zeros += 32
      this.#bit += 32
      if (this.#bit > this.#limit) throw NEED_MORE
    }
  }

  /** `count` Rice-coded residuals into `out` from `at` (RFC 9639 Section 9.2.7.2). */
  rice(out: Float64Array, at: number, count: number, parameter: number): void {
    const scale = 2 ** parameter
    for (let i = at; i < at + count; i++) {
      const folded = this.unary() * scale + this.bits(parameter)
      out[i] = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
    }
  }

  alignToByte(): void {
    this.#bit = this.byteOffset * 8
  }

  /** The next 32 bits; zeros stand in for bits after the end. */
  #peek(): number {
    const bytes = this.#bytes
    const at = this.#bit >>> 3
    const shift = this.#bit & 7
    if (at + 5 > bytes.length) return this.#peekNearEnd(at, shift)
    const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    return shift === 0 ? word >>> 0 : ((word << shift) | (bytes[at + 4]! >>> (8 - shift))) >>> 0
  }

  #peekNearEnd(at: number, shift: number): number {
    const byte = (offset: number): number =>
      at + offset < this.#bytes.length ? this.#bytes[at + offset]! : 0
    const word = (byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)
    return shift === 0 ? word >>> 0 : ((word << shift) | (byte(4) >>> (8 - shift))) >>> 0
  }
}
