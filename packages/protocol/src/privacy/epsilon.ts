import { composeLosses } from './compose.ts'
import { privacyError } from './errors.ts'
import { gaussianEpsilon, leastEpsilon } from './gaussian.ts'
import { requireDelta, requirePhases, type SampledGaussian } from './mechanism.ts'
import { renyiEpsilon } from './renyi.ts'

/** What steps cost: (epsilon, delta)-differential privacy for data sets that differ by one contributor. */
export interface PrivacyCost {
  readonly epsilon: number
  readonly delta: number
  /** How it is known: in closed form, by the distribution of the loss, or by Rényi divergence. Each is an upper bound. */
  readonly by: 'closed-form' | 'loss' | 'renyi'
}

/** Losses that are told apart unless somebody wants more: an epsilon that is at most some millionths too large. */
const POINTS = 2 ** 17
const MOST_POINTS = 2 ** 21

/**
 * The smallest of the bounds that hold, of steps whose noise may depend on what came before only through what was released.
 * @param points a power of two, 2^14 to 2^21: what is too much falls with its square, and time grows with it (2^17: some 0.1 s)
 * @throws `PRIVACY_BOUNDS`
 */
export function privacyCost(
  phases: readonly SampledGaussian[],
  delta: number,
  points: number = POINTS,
): PrivacyCost {
  requirePhases(phases)
  if (!(points >= 2 ** 14 && points <= MOST_POINTS && Number.isInteger(Math.log2(points))))
    throw privacyError('points are out of bounds', 'a power of two, 2^14 to 2^21', points)
  requireDelta(delta)
  if (phases.every(({ rate }) => rate === 1)) {
    const precision = phases.reduce((sum, { noise, steps }) => sum + steps / (noise * noise), 0)
    return { epsilon: gaussianEpsilon(1 / Math.sqrt(precision), delta), delta, by: 'closed-form' }
  }
  const renyi: PrivacyCost = { epsilon: renyiEpsilon(phases, delta).epsilon, delta, by: 'renyi' }
  const loss = composeLosses(phases, delta, points)
  // Where even Rényi's epsilon is not enough, rounding is all that is left to see.
  if (loss === undefined || loss.deltaAt(renyi.epsilon) > delta) return renyi
  return { epsilon: leastEpsilon(loss.deltaAt, delta), delta, by: 'loss' }
}

const MOST_NOISE = 1e6

/**
 * The least noise, to one part in 10 000 and upwards, with which all steps cost no more than `epsilon`.
 * @throws `PRIVACY_BOUNDS` also where no noise is enough
 */
export function noiseFor(
  { rate, steps }: Pick<SampledGaussian, 'rate' | 'steps'>,
  { epsilon, delta }: { epsilon: number; delta: number },
): number {
  if (!(epsilon > 0)) throw privacyError('epsilon is out of bounds', 'over 0', epsilon)
  const isEnough = (noise: number): boolean => privacyCost([{ rate, noise, steps }], delta).epsilon <= epsilon
  let high = 1
  while (!isEnough(high)) {
    if (high >= MOST_NOISE) throw privacyError('no noise is enough', `epsilon ${epsilon}`, `delta ${delta}`)
    high = Math.min(MOST_NOISE, high * 2)
  }
  let low = high === 1 ? 0.1 : high / 2
  if (isEnough(low)) return low
  while (high - low > 1e-4 * high) {
    const middle = (low + high) / 2
    if (isEnough(middle)) high = middle
    else low = middle
  }
  return high
}
