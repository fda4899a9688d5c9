import { type NumericDatatype, toHalf } from '@sotto/protocol/tensors'

/** Writes one element of JSON, little-endian. False when the datatype cannot hold it. */
export type WriteElement = (out: DataView, at: number, element: unknown) => boolean

/**
 * How an element becomes each datatype. Floating-point values are rounded to the nearest, ties to even, and must not
 * become infinite by it; 64-bit integers that a double cannot hold come as strings of their digits.
 */
export const WRITE_ELEMENT: Readonly<Record<NumericDatatype, WriteElement>> = {
  BOOL: (out, at, element) => {
    if (typeof element !== 'boolean') return false
    out.setUint8(at, element ? 1 : 0)
    return true
  },
  UINT8: integer(0, 2 ** 8 - 1, (out, at, value) => out.setUint8(at, value)),
  INT8: integer(-(2 ** 7), 2 ** 7 - 1, (out, at, value) => out.setInt8(at, value)),
  UINT16: integer(0, 2 ** 16 - 1, (out, at, value) => out.setUint16(at, value, true)),
  INT16: integer(-(2 ** 15), 2 ** 15 - 1, (out, at, value) => out.setInt16(at, value, true)),
  UINT32: integer(0, 2 ** 32 - 1, (out, at, value) => out.setUint32(at, value, true)),
  INT32: integer(-(2 ** 31), 2 ** 31 - 1, (out, at, value) => out.setInt32(at, value, true)),
  UINT64: long(0n, 2n ** 64n - 1n),
  INT64: long(-(2n ** 63n), 2n ** 63n - 1n),
  FP16: (out, at, element) => {
    if (typeof element !== 'number') return false
    const bits = toHalf(element)
    out.setUint16(at, bits, true)
    return (bits & 0x7c00) !== 0x7c00
  },
  FP32: (out, at, element) => {
    if (typeof element !== 'number') return false
    out.setFloat32(at, element, true)
    return Number.isFinite(Math.fround(element))
  },
  FP64: (out, at, element) => {
    if (typeof element !== 'number') return false
    out.setFloat64(at, element, true)
    return Number.isFinite(element)
  },
}

function integer(
  least: number,
  most: number,
  set: (out: DataView, at: number, value: number) => void,
): WriteElement {
  return (out, at, element) => {
    if (!Number.isInteger(element) || (element as number) < least || (element as number) > most) return false
    set(out, at, element as number)
    return true
  }
}

/** A number of JSON without fraction and exponent, of no more digits than 64 bits have. */
const DIGITS = /^-?(?:0|[1-9]\d{0,19})$/

function long(least: bigint, most: bigint): WriteElement {
  return (out, at, element) => {
    const isExact = Number.isSafeInteger(element) || (typeof element === 'string' && DIGITS.test(element))
    if (!isExact) return false
    const value = BigInt(element as number | string)
    if (value < least || value > most) return false
    out.setBigInt64(at, value, true)
    return true
  }
}
