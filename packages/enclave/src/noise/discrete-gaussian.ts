import { randomBytes } from 'node:crypto'
import { flipExp, type RandomBytes, type Ratio } from './bernoulli.ts'
import { sampleDiscreteLaplace } from './discrete-laplace.ts'

/**
 * Draws x with probability proportional to exp(-x² / 2σ²). Canonne, Kamath, Steinke (arXiv 2004.00010), Algorithm 3.
 *
 * Noise of its kind on a sum of whole numbers costs no more than Gaussian noise of the same σ (Theorem 4 there). That is
 * shown for releases of everybody's data: with sampling (q < 1) the accountants of this house do not speak about it.
 * @param variance σ², over zero
 */
export function sampleDiscreteGaussian(variance: Ratio, random: RandomBytes = randomBytes): bigint {
  const { numerator: n, denominator: d } = variance
  if (n <= 0n || d <= 0n) throw new RangeError('a variance is over zero')
  const t = squareRoot(n / d) + 1n
  for (;;) {
    const y = sampleDiscreteLaplace({ numerator: t, denominator: 1n }, random)
    // (|y| - σ²/t)² / 2σ², as one fraction.
    const off = (y < 0n ? -y : y) * d * t - n
    if (flipExp({ numerator: off * off, denominator: 2n * n * d * t * t }, random)) return y
  }
}

/** The largest whole number whose square is not over this one. */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
