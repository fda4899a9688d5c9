import { randomBytes } from 'node:crypto'
import { flipExpOfFraction, type RandomBytes, type Ratio, sampleBelow } from './bernoulli.ts'

/**
 * Draws x with probability proportional to exp(-|x| / scale): a count or sum to which one person adds at most `scale` times
 * epsilon is epsilon-differentially private with it. Canonne, Kamath, Steinke (arXiv 2004.00010), Algorithm 2.
 * @param scale over zero
 */
export function sampleDiscreteLaplace(scale: Ratio, random: RandomBytes = randomBytes): bigint {
  const { numerator: t, denominator: s } = scale
  if (t <= 0n || s <= 0n) throw new RangeError('a scale is over zero')
  for (;;) {
    const u = sampleBelow(t, random)
    if (!flipExpOfFraction({ numerator: u, denominator: t }, random)) continue
    let v = 0n
    while (flipExpOfFraction({ numerator: 1n, denominator: 1n }, random)) v++
    const y = (u + t * v) / s
    const isNegative = sampleBelow(2n, random) === 1n
    // Zero would be drawn for both signs.
    if (isNegative && y === 0n) continue
    return isNegative ? -y : y
  }
}
