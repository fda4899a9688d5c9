/**
 * GF(2^8) with the polynomial of AES, x^8 + x^4 + x^3 + x + 1 (FIPS 197 Section 4). No table and no branch
 * depends on a value: shares are secrets, and a cache or a clock must not see them.
 */
const POLYNOMIAL = 0x11b

/** Product of two field elements. */
export function multiply(a: number, b: number): number {
  let product = 0
  let shifted = a
  for (let bit = 0; bit < 8; bit++) {
    product ^= shifted & -((b >> bit) & 1)
    shifted = (shifted << 1) ^ (POLYNOMIAL & -(shifted >> 7))
  }
  return product
}

/** Inverse of an element, a^254; that of 0 is 0. */
export function invert(a: number): number {
  let power = a
  let result = 1
  for (let bit = 1; bit < 8; bit++) {
    power = multiply(power, power)
    result = multiply(result, power)
  }
  return result
}
