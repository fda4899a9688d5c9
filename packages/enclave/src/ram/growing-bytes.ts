/** Memory that is taken for bytes of unknown length before any of them have come. */
export const FIRST_BYTES: number = 64 * 1024

/**
 * Bytes in one array that doubles as it fills, and never beyond `maxBytes`: whoever sends them chooses the sizes of the
 * pieces, so none of them is kept. `hold` is told of all memory before it is allocated; what it throws leaves everything
 * as it was.
 */
export class GrowingBytes {
  private readonly maxBytes: number
  private readonly hold: (bytes: number) => void
  private buffer = new ArrayBuffer(0)
  private filled = 0

  constructor(maxBytes: number, hold: (bytes: number) => void) {
    this.maxBytes = maxBytes
    this.hold = hold
  }

  /** Bytes that have come. */
  get length(): number {
    return this.filled
  }

  /** Takes room for so many in all, at most `maxBytes`: for a length that was stated. */
  reserve(to: number): void {
    if (to > this.maxBytes) throw new RangeError('more bytes than the bound')
    if (to <= this.buffer.byteLength) return
    this.hold(to - this.buffer.byteLength)
    // The old one is free at once.
    this.buffer = this.buffer.transfer(to)
  }

  /** Callers refuse what goes beyond `maxBytes` before, with an error of their own. */
  add(piece: Uint8Array): void {
    const needed = this.filled + piece.length
    if (needed > this.maxBytes) throw new RangeError('more bytes than the bound')
    if (needed > this.buffer.byteLength)
      this.reserve(Math.min(this.maxBytes, Math.max(needed, 2 * this.buffer.byteLength, FIRST_BYTES)))
    new Uint8Array(this.buffer).set(piece, this.filled)
    this.filled = needed
  }

  /** What has come, not copied: behind it, the array may be longer. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, 0, this.filled)
  }
}
