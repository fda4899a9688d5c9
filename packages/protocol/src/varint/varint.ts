/** Largest value that a QUIC variable-length integer holds: 2^62 - 1 (RFC 9000 Section 16). */
export const MAX_VARINT: bigint = 2n ** 62n - 1n

/** Length in bytes of the shortest encoding of a value. */
export function varintLength(value: number): 1 | 2 | 4 | 8 {
  if (value < 0x40) return 1
  if (value < 0x4000) return 2
  return value < 0x4000_0000 ? 4 : 8
}

/** Shortest encoding of a value (RFC 9000 Section 16). `value` is a non-negative safe integer or at most {@link MAX_VARINT}. */
export function encodeVarint(value: number | bigint): Uint8Array {
  if (
    typeof value === 'bigint' ? value < 0n || value > MAX_VARINT : !Number.isSafeInteger(value) || value < 0
  ) {
    throw new RangeError('value does not fit a variable-length integer')
  }
  const length = varintLength(Number(value))
  const out = new Uint8Array(length)
  let rest = value
  for (let i = length - 1; i >= 0; i--) {
    if (typeof rest === 'bigint') {
      out[i] = Number(rest & 0xffn)
      rest >>= 8n
    } else {
      out[i] = rest % 256
      rest = Math.floor(rest / 256)
    }
  }
  out[0]! |= PREFIX[length]
  return out
}

/**
 * Value of one whole encoding. It need not be the shortest one: RFC 9292 Section 3 allows any.
 * Undefined when the bytes are not exactly one encoding.
 */
export function decodeVarint(bytes: Uint8Array): bigint | undefined {
  if (bytes.length === 0 || bytes.length !== encodedLength(bytes[0]!)) return undefined
  let value = BigInt(bytes[0]! & 0x3f)
  for (let i = 1; i < bytes.length; i++) value = (value << 8n) | BigInt(bytes[i]!)
  return value
}

/** Length in bytes of an encoding, told by its first byte. */
export function encodedLength(first: number): 1 | 2 | 4 | 8 {
  return LENGTHS[first >> 6]!
}

/** The value as a number, rounded above 2^53: enough to compare it with a limit. */
export function approximateVarint(bytes: Uint8Array, length: number): number {
  let value = bytes[0]! & 0x3f
  for (let i = 1; i < length; i++) value = value * 256 + bytes[i]!
  return value
}

const LENGTHS = [1, 2, 4, 8] as const
const PREFIX = { 1: 0x00, 2: 0x40, 4: 0x80, 8: 0xc0 } as const
