import { invalid } from './errors.ts'
import { MODULE_LIMITS } from './limits.ts'

/**
 * Reads the values of the binary format (WebAssembly 2.0, 5.2) from bytes that the module's owner chose; never past the
 * end. Every method throws `ROOM_WASM_INVALID`.
 */
export class WasmReader {
  readonly bytes: Uint8Array
  readonly end: number
  offset: number

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.offset = offset
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.offset === this.end
  }

  byte(): number {
    if (this.offset >= this.end) throw invalid('format', `ends too early, at byte ${this.offset}`)
    return this.bytes[this.offset++]!
  }

  skip(length: number): void {
    if (length > this.end - this.offset) throw invalid('format', `ends too early, at byte ${this.offset}`)
    this.offset += length
  }

  /** Unsigned LEB128 of 32 bits: at most five bytes, and no bit beyond the 32. */
  u32(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    const last = this.byte()
    if (last > 0x0f) throw invalid('format', `a number of more than 32 bits, at byte ${this.offset}`)
    return value + last * 2 ** 28
  }

  /** A count of things that take a byte each at least. */
  count(max: number, what: string): number {
    const count = this.u32()
    if (count > max) throw invalid('count', `${count} ${what}, of at most ${max}`)
    if (count > this.end - this.offset) throw invalid('format', `more ${what} than bytes`)
    return count
  }

  /** Passes over a signed LEB128 of so many bits; what is beyond them has to be the sign. */
  skipSigned(bits: 32 | 33 | 64): void {
    const bytes = Math.ceil(bits / 7)
    for (let at = 1; at < bytes; at++) if (this.byte() < 0x80) return
    const last = this.byte()
    // Of the last byte: the bits of the value, whose highest is the sign, and copies of the sign.
    const used = bits - 7 * (bytes - 1)
    const sign = (last << 25) >> (25 + used - 1)
    if (last > 0x7f || (sign !== 0 && sign !== -1))
      throw invalid('format', `a number of more than ${bits} bits, at byte ${this.offset}`)
  }

  /** A name, in UTF-8. */
  name(): string {
    const length = this.count(MODULE_LIMITS.name, 'bytes of a name')
    const start = this.offset
    this.skip(length)
    try {
      return UTF8.decode(this.bytes.subarray(start, this.offset))
    } catch {
      throw invalid('format', `a name that is not UTF-8, at byte ${start}`)
    }
  }

  /** A part of so many bytes, as a reader of its own; this one goes on behind it. */
  part(length: number): WasmReader {
    const start = this.offset
    this.skip(length)
    return new WasmReader(this.bytes, start, this.offset)
  }

  requireEnd(what: string): void {
    if (!this.isAtEnd) throw invalid('format', `bytes behind ${what}, at byte ${this.offset}`)
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
