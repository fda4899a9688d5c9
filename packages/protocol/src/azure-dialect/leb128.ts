import { azureError } from './errors.ts'

/** Longest length prefix: chunks have less than 2^28 bytes. */
const MAX_LEB128_BYTES = 4

/** Unsigned LEB128 of 0 to 2^28 - 1: seven bits a byte, the lowest first, the top bit says that more follow. */
export function encodeLeb128(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value
  do {
    const low = left % 128
    left = Math.floor(left / 128)
    bytes.push(left > 0 ? low + 128 : low)
  } while (left > 0)
  return Uint8Array.from(bytes)
}

/** Reads one number, byte by byte. One number has one spelling. */
export class Leb128Reader {
  #value = 0
  #count = 0

  /** The number that this byte completes; undefined while more are needed. @throws `AZURE_MALFORMED` */
  push(byte: number): number | undefined {
    this.#value += (byte % 128) * 128 ** this.#count++
    if (byte >= 128) {
      if (this.#count === MAX_LEB128_BYTES) throw azureError('AZURE_MALFORMED', 'a length is too long')
      return undefined
    }
    if (byte === 0 && this.#count > 1) throw azureError('AZURE_MALFORMED', 'a length is not minimal')
    const value = this.#value
    this.#value = 0
    this.#count = 0
    return value
  }
}
