import { GrowingBytes } from '../../ram/growing-bytes.ts'
import { invalid } from './errors.ts'
import { MODULE_LIMITS } from './limits.ts'

/** Writes the binary format, up to the bytes that a metered module may have. */
export class WasmWriter {
  private readonly grown = new GrowingBytes(MODULE_LIMITS.meteredBytes, () => {})

  get length(): number {
    return this.grown.length
  }

  /** @throws `ROOM_WASM_INVALID` (`module-size`) */
  add(bytes: Uint8Array | readonly number[]): this {
    if (bytes.length > MODULE_LIMITS.meteredBytes - this.grown.length)
      throw invalid('module-size', `more than ${MODULE_LIMITS.meteredBytes} bytes once it is metered`)
    this.grown.add(bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes))
    return this
  }

  u32(value: number): this {
    return this.add(encodeU32(value))
  }

  /** What another wrote, its length before it. */
  sized(bytes: Uint8Array): this {
    return this.u32(bytes.length).add(bytes)
  }

  /** Forgets all of it, and keeps the memory. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.grown.bytes()
  }
}

/** Unsigned LEB128 of up to 32 bits. */
export function encodeU32(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const more = rest >= 0x80 ? 0x80 : 0
    bytes.push((rest & 0x7f) | more)
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return bytes
}

/** Signed LEB128 of a whole number that is not negative, up to 2^53-1. */
export function encodeS64(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    // The highest bit of the last byte is the sign.
    if (rest === 0 && low < 0x40) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}
