/** Enough for a tag; short arrays cost a tenth of those that get memory of their own. */
const FIRST_ALLOCATION = 64

/** Joins small pieces into one buffer that doubles, so that a byte-by-byte sender costs linear time and memory. */
export class Accumulator {
  #buffer: Uint8Array = new Uint8Array(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** What was appended, as a view that later calls change. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  append(piece: Uint8Array): void {
    const needed = this.#length + piece.length
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length, FIRST_ALLOCATION))
      grown.set(this.bytes)
      this.#buffer = grown
    }
    this.#buffer.set(piece, this.#length)
    this.#length = needed
  }

  /** Drops everything but the last `count` bytes. */
  keepLast(count: number): void {
    this.#buffer.copyWithin(0, this.#length - count, this.#length)
    this.#length = count
  }

  /** Frees the buffer. */
  clear(): void {
    this.#buffer = new Uint8Array(0)
    this.#length = 0
  }
}
