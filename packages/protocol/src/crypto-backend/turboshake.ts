import { turboshake128, turboshake256 } from '@noble/hashes/sha3-addons.js'
import { concat } from '../bytes/index.ts'

/** TurboSHAKE (RFC 9861) with domain byte 0x1F; OpenSSL has none, so both backends use noble. */
export function turboshake(
  name: 'turboshake128' | 'turboshake256',
  length: number,
  parts: readonly Uint8Array[],
): Uint8Array {
  const f = name === 'turboshake128' ? turboshake128 : turboshake256
  return f(concat(...parts), { dkLen: length, D: 0x1f })
}
