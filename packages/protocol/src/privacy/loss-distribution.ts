import type { SampledGaussian } from './mechanism.ts'
import { normalCdf } from './normal.ts'
import { log1pExp } from './renyi.ts'

/**
 * Distribution of the privacy loss ln(P/Q) of one step under P, on a grid of losses, so that no neighbouring data sets are
 * told apart better by the step than by this.
 */
export interface LossDistribution {
  /** Of the first entry of `mass`, in grid steps. */
  readonly first: number
  /** Probability of a loss of (first + i) * grid. */
  readonly mass: Float64Array
  /** Probability of a loss past the last one: as if it told everything. */
  readonly infinite: number
}

/** One of each direction: what is true of a contributor who is taken away need not be true of one who is added. */
export interface StepLosses {
  readonly remove: LossDistribution
  readonly add: LossDistribution
}

/** Standard deviations that are looked at: what is past them, 1e-15 of all, counts as the worst. */
const REACH = 8
/** Abscissas and weights of Gauss and Legendre on [-1, 1], three points (DLMF table 3.5.1). */
const NODES = [-0.7745966692414834, 0, 0.7745966692414834] as const
const WEIGHTS = [5 / 9, 8 / 9, 5 / 9] as const
/** Widest piece that is integrated at once, in standard deviations: its error is below that of a double. */
const PIECE = 1 / 16
const SQRT_TWO_PI = 2.5066282746310002

/** Width of all losses of a step that are looked at. */
export function spanOfLosses(noise: number): number {
  return (2 * REACH * noise + 1) / (noise * noise)
}

/**
 * The losses of one step of a sampled Gaussian. P and Q are M = (1 - q) N(0, s²) + q N(1, s²) and N(0, s²), or the other way
 * round, which dominate every pair of neighbours (Zhu, Dong and Wang, "Optimal Accounting of Differential Privacy via
 * Characteristic Function", 2022, Theorem 11). What lies between two points of the grid goes to both, so that P and Q keep
 * what they have there: every delta is exact on the grid, and too large between ("Connect the Dots", Doroshenko and others,
 * 2022).
 * @param grid distance of losses, under 1
 */
export function lossesOfStep(
  { rate, noise }: Pick<SampledGaussian, 'rate' | 'noise'>,
  grid: number,
): StepLosses {
  const scale = 1 / (2 * noise * noise)
  const stay = rate === 1 ? -Infinity : Math.log1p(-rate)
  const tilt = rate === 1 ? 0 : Math.log(rate) - stay
  const [low, high] = [-REACH * noise, 1 + REACH * noise]
  const first = Math.floor(lossAt(low) / grid)
  const last = Math.ceil(lossAt(high) / grid)
  const remove = new Float64Array(last - first + 1)
  const add = new Float64Array(last - first + 1)
  const share = -Math.expm1(-grid)
  const density = 1 / (noise * SQRT_TWO_PI)
  for (let at = first, from = low; at < last; at++) {
    const to = Math.min(high, inverse((at + 1) * grid))
    if (!(to > from)) continue
    // Under N(0, s²) and M: all that is in between, and what of it goes to the end that is worse for either.
    let [plain, plainDown, mixed, mixedUp] = [0, 0, 0, 0]
    const pieces = Math.ceil((to - from) / (PIECE * noise))
    const half = (to - from) / pieces / 2
    for (let piece = 0; piece < pieces; piece++) {
      const middle = from + (2 * piece + 1) * half
      for (let node = 0; node < NODES.length; node++) {
        const x = middle + NODES[node]! * half
        const weight = WEIGHTS[node]! * half * density * Math.exp(-x * x * scale)
        const loss = lossAt(x)
        const up = weight * Math.exp(loss)
        plain += weight
        plainDown -= weight * Math.expm1(loss - (at + 1) * grid)
        mixed += up
        mixedUp -= up * Math.expm1(at * grid - loss)
      }
    }
    const upper = Math.min(mixed, Math.max(0, mixedUp / share))
    remove[at - first]! += mixed - upper
    remove[at + 1 - first]! += upper
    // The loss of adding is the negative one: its worse end is the lower one here.
    const lower = Math.min(plain, Math.max(0, plainDown / share))
    add[last - at]! += lower
    add[last - at - 1]! += plain - lower
    from = to
  }
  // What lies past an end is moved up: to the first loss of the grid, or past all of it.
  const tails = { low: normalCdf(low / noise), high: normalCdf(-high / noise) }
  const shifted = { low: normalCdf((low - 1) / noise), high: normalCdf((1 - high) / noise) }
  remove[0]! += (1 - rate) * tails.low + rate * shifted.low
  add[0]! += tails.high
  return {
    remove: { first, mass: remove, infinite: (1 - rate) * tails.high + rate * shifted.high },
    add: { first: -last, mass: add, infinite: tails.low },
  }

  /** ln (1 - q + q e^((2x - 1) / (2 s²))), which rises with x. */
  function lossAt(x: number): number {
    const exponent = (2 * x - 1) * scale
    // Near one the logarithm has only the digits of what is over one.
    return exponent < 1 ? Math.log1p(rate * Math.expm1(exponent)) : stay + log1pExp(tilt + exponent)
  }

  /** Where the loss has a value; below all x where none has so small a one. */
  function inverse(value: number): number {
    const above = Math.expm1(value) + rate
    return above <= 0 ? -Infinity : noise * noise * (Math.log(above) - Math.log(rate)) + 0.5
  }
}
