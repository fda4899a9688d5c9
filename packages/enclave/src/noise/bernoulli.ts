/**
 * Coins and whole numbers that are exactly as probable as they should be: Canonne, Kamath, Steinke, "The Discrete Gaussian
 * for Differential Privacy" (arXiv 2004.00010), Algorithm 1. No floating-point number is made, whose gaps would tell what
 * was added.
 */

/** Fills an array with bytes that nobody can guess. */
export type RandomBytes = (length: number) => Uint8Array

/** A number that is not negative. */
export interface Ratio {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** True with probability exp(-gamma). Algorithm 1, for any gamma from 0 on. */
export function flipExp({ numerator, denominator }: Ratio, random: RandomBytes): boolean {
  for (let left = numerator / denominator; left > 0n; left--)
    if (!flipExpOfFraction({ numerator: 1n, denominator: 1n }, random)) return false
  return flipExpOfFraction({ numerator: numerator % denominator, denominator }, random)
}

/** True with probability exp(-gamma), of a gamma up to 1. */
export function flipExpOfFraction({ numerator, denominator }: Ratio, random: RandomBytes): boolean {
  let k = 1n
  while (sampleBelow(denominator * k, random) < numerator) k++
  return k % 2n === 1n
}

/** Up to it a bound is worked with as a number of six bytes, which is exact and faster. */
const SMALL = 2n ** 48n

/** A whole number from 0 to below the bound, each as probable. */
export function sampleBelow(bound: bigint, random: RandomBytes): bigint {
  if (bound <= SMALL) return BigInt(sampleSmall(Number(bound), random))
  const bits = (bound - 1n).toString(2).length
  const bytes = Math.ceil(bits / 8)
  const mask = (1n << BigInt(bits)) - 1n
  for (;;) {
    const drawn = BigInt(`0x${Buffer.from(random(bytes)).toString('hex')}`) & mask
    if (drawn < bound) return drawn
  }
}

function sampleSmall(bound: number, random: RandomBytes): number {
  let range = 2
  let bits = 1
  for (; range < bound; range *= 2) bits++
  const bytes = Math.ceil(bits / 8)
  for (;;) {
    let drawn = 0
    for (const byte of random(bytes)) drawn = drawn * 256 + byte
    drawn %= range
    if (drawn < bound) return drawn
  }
}
