import { GrowingBytes } from '../../ram/growing-bytes.ts'
import { invalid } from './errors.ts'
import { MODULE_LIMITS } from './limits.ts'

/** Writes the binary format, up to the bytes that a metered module may have; or counts what it would write. */
export class WasmWriter {
  private readonly kept: GrowingBytes | undefined
  private written = 0

  /** @param keeps whether what is written is there in the end, and not only its length */
  constructor(keeps: boolean) {
    this.kept = keeps ? new GrowingBytes(MODULE_LIMITS.meteredBytes, () => {}) : undefined
  }

  /** @throws `ROOM_WASM_INVALID` (`module-size`) */
  add(bytes: Uint8Array | readonly number[]): this {
    this.count(bytes.length)
    this.kept?.add(bytes instanceof Uint8Array ? bytes : Uint8Array.from(bytes))
    return this
  }

  u32(value: number): this {
    return this.add(encodeU32(value))
  }

  /** Bytes, or what another wrote, with their length before them. */
  sized(content: Uint8Array | WasmWriter): this {
    if (content instanceof Uint8Array) return this.u32(content.length).add(content)
    this.u32(content.written).count(content.written)
    if (content.kept) this.kept?.add(content.kept.bytes())
    return this
  }

  /** Another one, for what goes into this one later. */
  fresh(): WasmWriter {
    return new WasmWriter(this.kept !== undefined)
  }

  /** What was written, where it was kept. */
  bytes(): Uint8Array<ArrayBuffer> {
    if (this.kept === undefined) throw new TypeError('nothing was kept')
    return this.kept.bytes()
  }

  private count(bytes: number): void {
    this.written += bytes
    if (this.written > MODULE_LIMITS.meteredBytes)
      throw invalid('module-size', `more than ${MODULE_LIMITS.meteredBytes} bytes once it is metered`)
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
