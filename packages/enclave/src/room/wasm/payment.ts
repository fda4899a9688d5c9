import { encodeS64, encodeU32 } from './writer.ts'

const I64 = {
  constant: 0x42,
  lessThan: 0x53,
  subtract: 0x7d,
  shiftLeft: 0x86,
  shiftRight: 0x88,
  extend: 0xad,
}
const GLOBAL = { get: 0x23, set: 0x24 }
const LOCAL = { get: 0x20, tee: 0x22 }

/** Bytes of memory that a bulk operation does for the price of one instruction, as a power of two. */
const MEMORY_SHIFT = 3
/** Instructions that one element of a table costs, as a power of two. */
const TABLE_SHIFT = 3

/** The code that pays: it takes from a global of 64 bits, and traps once that is below zero. */
export class Payment {
  private readonly get: readonly number[]
  private readonly set: readonly number[]
  private readonly check: readonly number[]
  private readonly made = new Map<number, Uint8Array>()

  /** @param global index of what is left */
  constructor(global: number) {
    this.get = [GLOBAL.get, ...encodeU32(global)]
    this.set = [GLOBAL.set, ...encodeU32(global)]
    // if (left < 0) unreachable
    this.check = [...this.get, I64.constant, 0, I64.lessThan, 0x04, 0x40, 0x00, 0x0b]
  }

  /** For a segment of instructions; nothing where they are for nothing. A turn of a loop and a call cost 1 at least. */
  segment(cost: number, checks: boolean): Uint8Array {
    const key = 2 * cost + (checks ? 1 : 0)
    let bytes = this.made.get(key)
    if (bytes === undefined) {
      const price = checks ? Math.max(cost, 1) : cost
      const pay = [...this.get, I64.constant, ...encodeS64(price), I64.subtract, ...this.set]
      bytes = Uint8Array.from([...(price > 0 ? pay : []), ...(checks ? this.check : [])])
      this.made.set(key, bytes)
    }
    return bytes
  }

  /**
   * For a bulk operation, in front of it: pays for the length that is on top of the stack, and leaves it there. The length
   * is unsigned, so that the most is 2^35, far from what 64 bits hold.
   * @param scratch a local of 32 bits that nobody else uses
   */
  toll(scratch: number, ofTable: boolean): Uint8Array {
    const local = encodeU32(scratch)
    const scale = ofTable
      ? [I64.constant, TABLE_SHIFT, I64.shiftLeft]
      : [I64.constant, MEMORY_SHIFT, I64.shiftRight]
    return Uint8Array.from([
      LOCAL.tee,
      ...local,
      ...this.get,
      LOCAL.get,
      ...local,
      I64.extend,
      ...scale,
      I64.subtract,
      ...this.set,
      ...this.check,
    ])
  }
}
