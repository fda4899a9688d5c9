import { requireDelta } from './mechanism.ts'
import { normalCdf } from './normal.ts'

/**
 * Delta of the Gaussian mechanism without sampling, exactly.
 * Source: Balle and Wang, "Improving the Gaussian Mechanism for Differential Privacy", ICML 2018, Theorem 8.
 * @param noise standard deviation over sensitivity; of n steps together: that of one over sqrt(n)
 */
export function gaussianDelta(noise: number, epsilon: number): number {
  const half = 1 / (2 * noise)
  // The second term as a product may be 0 times infinity.
  const second = normalCdf(-half - epsilon * noise)
  return normalCdf(half - epsilon * noise) - (second === 0 ? 0 : Math.exp(epsilon + Math.log(second)))
}

/**
 * Epsilon of the Gaussian mechanism without sampling, exactly but for rounding, which is upwards.
 * @throws `PRIVACY_BOUNDS`
 */
export function gaussianEpsilon(noise: number, delta: number): number {
  requireDelta(delta)
  return leastEpsilon((epsilon) => gaussianDelta(noise, epsilon), delta)
}

/** Smallest epsilon, to 1e-13 of it and upwards, at which a falling `deltaAt` is not above `delta`. */
export function leastEpsilon(deltaAt: (epsilon: number) => number, delta: number): number {
  if (deltaAt(0) <= delta) return 0
  let high = 1
  while (deltaAt(high) > delta) high *= 2
  let low = 0
  while (high - low > 1e-13 * high && high > 1e-12) {
    const middle = (low + high) / 2
    if (deltaAt(middle) > delta) low = middle
    else high = middle
  }
  return high
}
