import { fromHex, toHex } from '../bytes/index.ts'

/** OS2IP (RFC 8017 Section 4.2). */
export function toInteger(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`)
}

/** I2OSP (RFC 8017 Section 4.1); `value` fits `length` bytes. */
export function toBytes(value: bigint, length: number): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * length, '0'))
}

/** `base ^ exponent mod modulus`, for small public exponents: the time depends on the exponent. */
export function powerMod(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

/** The inverse of `value` modulo `modulus`; undefined when they share a factor. */
export function inverseMod(value: bigint, modulus: bigint): bigint | undefined {
  let [r0, r1] = [modulus, value % modulus]
  let [t0, t1] = [0n, 1n]
  while (r1 > 0n) {
    const quotient = r0 / r1
    ;[r0, r1] = [r1, r0 - quotient * r1]
    ;[t0, t1] = [t1, t0 - quotient * t1]
  }
  if (r0 !== 1n) return undefined
  return t0 < 0n ? t0 + modulus : t0
}
