import { badKey } from './errors.ts'
import type { RsaPublicKey } from './types.ts'

const MIN_MODULUS_BYTES = 256
const MAX_MODULUS_BYTES = 512
const MAX_EXPONENT_BYTES = 4

/** Bounds an RSA public key that an attacker may have written. @throws `CRYPTO_BAD_KEY` */
export function requireRsaKey({ modulus, exponent }: RsaPublicKey): void {
  const bits = modulus.length * 8
  if (modulus.length < MIN_MODULUS_BYTES || modulus.length > MAX_MODULUS_BYTES || modulus[0] === 0) {
    throw badKey('RSA modulus', { expected: '2048 to 4096 bits', found: `${bits}` })
  }
  if (modulus[modulus.length - 1]! % 2 === 0) throw badKey('RSA modulus', { expected: 'an odd number' })
  const small = exponent.length === 1 && exponent[0]! < 3
  const last = exponent[exponent.length - 1]
  if (
    last === undefined ||
    exponent.length > MAX_EXPONENT_BYTES ||
    exponent[0] === 0 ||
    last % 2 === 0 ||
    small
  ) {
    throw badKey('RSA exponent', { expected: 'odd, 3 to 4294967295' })
  }
}
