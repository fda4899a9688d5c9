import { concat, uint, utf8 } from '../bytes/index.ts'
import { cborError } from './errors.ts'
import { CborTag, MAJOR, type CborInteger, type CborValue } from './types.ts'

/** Largest argument (RFC 8949 Section 3): 2^64 - 1. */
const MAX_ARGUMENT = 0xffff_ffff_ffff_ffffn

/**
 * CBOR of a value in the shortest form with definite lengths (RFC 8949 Section 4.2.1, but map
 * entries stay in their order): what `decodeCbor` accepts, and the form that COSE signs.
 *
 * @throws `CBOR_UNSUPPORTED` (fix-input) for a fraction or an integer beyond 64 bits
 */
export function encodeCbor(value: CborValue): Uint8Array {
  if (typeof value === 'number' || typeof value === 'bigint') return encodeInteger(value)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xf5 : 0xf4)
  if (value === null) return Uint8Array.of(0xf6)
  if (typeof value === 'string') {
    const bytes = utf8(value)
    return concat(head(MAJOR.text, bytes.length), bytes)
  }
  if (value instanceof Uint8Array) return concat(head(MAJOR.bytes, value.length), value)
  if (value instanceof CborTag) return concat(head(MAJOR.tag, value.tag), encodeCbor(value.value))
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, item]) => [encodeCbor(key), encodeCbor(item)])
    return concat(head(MAJOR.map, value.size), ...entries)
  }
  const items = value as readonly CborValue[]
  return concat(head(MAJOR.array, items.length), ...items.map(encodeCbor))
}

function encodeInteger(value: CborInteger): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw cborError('CBOR_UNSUPPORTED', 'only whole numbers have a CBOR form here')
  if (value >= 0) return head(MAJOR.unsigned, value)
  return head(MAJOR.negative, typeof value === 'bigint' ? -1n - value : -1 - value)
}

/** Initial byte with its argument in the shortest form. */
function head(major: number, argument: CborInteger): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | Number(argument))
  if (argument > MAX_ARGUMENT) throw cborError('CBOR_UNSUPPORTED', 'a number does not fit 64 bits')
  const size = argument < 0x100 ? 0 : argument < 0x1_0000 ? 1 : argument < 0x1_0000_0000 ? 2 : 3
  const initial = Uint8Array.of((major << 5) | (24 + size))
  if (size < 3) return concat(initial, uint(Number(argument), 1 << size))
  const wide = BigInt(argument)
  return concat(initial, uint(Number(wide >> 32n), 4), uint(Number(wide & 0xffff_ffffn), 4))
}
