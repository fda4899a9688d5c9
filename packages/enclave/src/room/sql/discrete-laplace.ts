/**
 * Exact sampling of discrete Laplace noise, by whole numbers only: Canonne, Kamath, Steinke, "The Discrete Gaussian for
 * Differential Privacy" (arXiv 2004.00010), Algorithms 1 and 2. No floating-point number is made, whose gaps would tell
 * what was added.
 */
import { randomBytes } from 'node:crypto'

/** Fills an array with bytes that nobody can guess. */
export type RandomBytes = (length: number) => Uint8Array

/** A number that is not negative. */
export interface Ratio {
  readonly numerator: bigint
  readonly denominator: bigint
}

/**
 * Draws x with probability proportional to exp(-|x| / scale): a count or sum to which one person adds at most `scale` times
 * epsilon is epsilon-differentially private with it.
 * @param scale over zero
 */
export function sampleDiscreteLaplace(scale: Ratio, random: RandomBytes = randomBytes): bigint {
  const { numerator: t, denominator: s } = scale
  if (t <= 0n || s <= 0n) throw new RangeError('a scale is over zero')
  for (;;) {
    const u = sampleBelow(t, random)
    if (!flipExp({ numerator: u, denominator: t }, random)) continue
    let v = 0n
    while (flipExp({ numerator: 1n, denominator: 1n }, random)) v++
    const y = (u + t * v) / s
    const isNegative = sampleBelow(2n, random) === 1n
    // Zero would be drawn for both signs.
    if (isNegative && y === 0n) continue
    return isNegative ? -y : y
  }
}

/** True with probability exp(-gamma), of a gamma up to 1. Algorithm 1. */
function flipExp({ numerator, denominator }: Ratio, random: RandomBytes): boolean {
  let k = 1n
  while (sampleBelow(denominator * k, random) < numerator) k++
  return k % 2n === 1n
}

/** A whole number from 0 to below the bound, each as probable. */
function sampleBelow(bound: bigint, random: RandomBytes): bigint {
  const bits = (bound - 1n).toString(2).length
  const bytes = Math.ceil(bits / 8)
  const mask = (1n << BigInt(bits)) - 1n
  for (;;) {
    const drawn = BigInt(`0x${Buffer.from(random(bytes)).toString('hex')}`) & mask
    if (drawn < bound) return drawn
  }
}
