import { transform } from './fourier.ts'
import { lossesOfStep, spanOfLosses, type StepLosses } from './loss-distribution.ts'
import type { SampledGaussian } from './mechanism.ts'

/** Losses of one step that are told apart where all steps together need as many as there may be: at least, and at first. */
const STEP_POINTS = { least: 2 ** 8, first: 2 ** 14 }
/** Share of delta that is given away for what lies outside of the grid. */
const TAIL_SHARE = 1e-11
/** Exponents of Chernoff's bound that are tried; below, those over one, where a coarse grid never says too little. */
const EXPONENTS = Array.from({ length: 60 }, (_, at) => 1.35 ** (at - 16))
const DIRECTIONS = ['remove', 'add'] as const

/** Losses of all steps together. */
export interface ComposedLoss {
  /** Delta at an epsilon, of the direction that has the larger one: an upper bound. */
  deltaAt(epsilon: number): number
}

/**
 * Composes the losses of steps: their distributions are convolved, which is a power under the Fourier transform. What is
 * outside of the grid, and what rounding may have lost, is added to every delta.
 * @param delta that will be asked about
 * @param points losses that are told apart, at most: a power of two; with half as many, errors are four times as large
 * @returns undefined where the grid would be too coarse to say anything
 */
export function composeLosses(
  phases: readonly SampledGaussian[],
  delta: number,
  points: number,
): ComposedLoss | undefined {
  const tail = delta * TAIL_SHARE
  const span = Math.max(...phases.map(({ noise }) => spanOfLosses(noise)))
  const steps = (grid: number): CountedLosses[] =>
    phases.map((phase) => ({ ...lossesOfStep(phase, grid), count: phase.steps }))
  for (let ofStep = STEP_POINTS.first; ofStep >= STEP_POINTS.least; ofStep /= 4) {
    const grid = span / ofStep
    if (grid >= 1) return undefined
    const coarse = steps(grid)
    const windows = DIRECTIONS.map((direction) => window(coarse, direction, grid, tail))
    const needed = Math.max(...windows.map(([low, high]) => high - low)) / grid + 4
    if (needed > points) continue
    // Each half of a step makes the error a quarter, and a grid in which this one lies keeps within the same window.
    const finer = Math.max(1, Math.floor(Math.min(points / needed, points / ofStep)))
    return convolve(finer > 1 ? steps(grid / finer) : coarse, grid / finer, windows, tail)
  }
  return undefined
}

interface CountedLosses extends StepLosses {
  readonly count: number
}
type Window = readonly [low: number, high: number]

/** Losses between which all steps together stay, but for `tail` on either side (Chernoff). */
function window(
  steps: readonly CountedLosses[],
  direction: 'remove' | 'add',
  grid: number,
  tail: number,
): Window {
  const bound = (exponent: number): number =>
    (logMoment(steps, direction, grid, exponent) - Math.log(tail)) / exponent
  const high = Math.min(...EXPONENTS.map(bound))
  const low = Math.max(...EXPONENTS.filter((one) => one > 1).map((one) => bound(-one)))
  return [low, high]
}

/** ln E e^(exponent * loss) of all steps, of the losses that are finite. */
function logMoment(
  steps: readonly CountedLosses[],
  direction: 'remove' | 'add',
  grid: number,
  exponent: number,
): number {
  let total = 0
  for (const {
    [direction]: { first, mass },
    count,
  } of steps) {
    const top = (exponent > 0 ? first + mass.length - 1 : first) * grid * exponent
    let sum = 0
    for (let at = 0; at < mass.length; at++)
      if (mass[at]! > 0) sum += mass[at]! * Math.exp((first + at) * grid * exponent - top)
    total += count * (top + Math.log(sum))
  }
  return total
}

/** Both directions are real vectors: one is the real part and the other the imaginary one of what is transformed. */
function convolve(
  steps: readonly CountedLosses[],
  grid: number,
  windows: readonly Window[],
  tail: number,
): ComposedLoss {
  const width = Math.max(...windows.map(([low, high]) => high - low))
  const points = 2 ** Math.ceil(Math.log2(Math.max(1024, width / grid + 2)))
  const half = points / 2
  const product = { re: new Float64Array(points), im: new Float64Array(points) }
  // Lengths and angles of the product so far, of both, up to the middle: the rest is conjugate.
  const logs = DIRECTIONS.map(() => new Float64Array(half + 1))
  const angles = DIRECTIONS.map(() => new Float64Array(half + 1))
  const [finite, firsts, lostDigits] = [
    [0, 0],
    [0, 0],
    [0, 0],
  ]
  for (const step of steps) {
    const { re, im } = product
    re.fill(0)
    im.fill(0)
    // Losses that are a whole turn apart fall together: what the windows leave out is in the tails.
    for (let at = 0; at < step.remove.mass.length; at++) re[at % points]! += step.remove.mass[at]!
    for (let at = 0; at < step.add.mass.length; at++) im[at % points]! += step.add.mass[at]!
    for (const [index, direction] of DIRECTIONS.entries()) {
      const { mass, first, infinite } = step[direction]
      lostDigits[index]! += Math.sqrt(step.count) * lengthOf(mass)
      firsts[index]! += first * step.count
      finite[index]! += step.count * Math.log1p(-infinite)
    }
    transform(product, -1)
    for (let at = 0; at <= half; at++) {
      const other = (points - at) % points
      const [a, b, c, d] = [re[at]!, im[at]!, re[other]!, im[other]!]
      const parts = [(a + c) / 2, (b - d) / 2, (b + d) / 2, (c - a) / 2]
      for (let index = 0; index < 2; index++) {
        const [x, y] = [parts[2 * index]!, parts[2 * index + 1]!]
        logs[index]![at]! += step.count * 0.5 * Math.log(x * x + y * y)
        angles[index]![at]! += step.count * Math.atan2(y, x)
      }
    }
  }
  for (let at = 0; at <= half; at++) {
    const other = (points - at) % points
    const [r, s] = [Math.exp(logs[0]![at]!), Math.exp(logs[1]![at]!)]
    const [rx, ry] = [r * Math.cos(angles[0]![at]!), r * Math.sin(angles[0]![at]!)]
    const [sx, sy] = [s * Math.cos(angles[1]![at]!), s * Math.sin(angles[1]![at]!)]
    product.re[at] = rx - sy
    product.im[at] = ry + sx
    product.re[other] = rx + sy
    product.im[other] = sx - ry
  }
  transform(product, 1)
  const composed = DIRECTIONS.map((_, index) => {
    const values = index === 0 ? product.re : product.im
    // Entry i is a loss of (firsts + i) * grid, or of that and whole turns: the one in the window.
    const start = Math.floor(windows[index]![0] / grid)
    const mass = new Float64Array(points)
    for (let at = 0; at < points; at++)
      mass[at] = Math.max(0, values[mod(start + at - firsts[index]!, points)]! / points)
    const lost = -Math.expm1(finite[index]!) + 2 * tail + rounding(points, lostDigits[index]!)
    return { mass, start, lost }
  })
  return {
    deltaAt: (epsilon) =>
      Math.max(...composed.map(({ mass, start, lost }) => lost + hockeyStick(mass, start, grid, epsilon))),
  }
}

/**
 * What rounding may have taken from all entries together. Errors of single operations are about as often too large as too
 * small, so that they grow with the square root of their number (Higham and Mary, "A New Approach to Probabilistic Rounding
 * Error Analysis", 2019); eight times that is added.
 */
function rounding(points: number, lostDigits: number): number {
  return 8 * Number.EPSILON * Math.log2(points) * lostDigits
}

/** Euclidean length. */
function lengthOf(values: Float64Array): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}

/** Sum over losses above epsilon of mass * (1 - e^(epsilon - loss)). */
function hockeyStick(mass: Float64Array, start: number, grid: number, epsilon: number): number {
  let sum = 0
  const from = Math.max(0, Math.floor(epsilon / grid) - start)
  for (let at = mass.length - 1; at >= from; at--) {
    const above = (start + at) * grid - epsilon
    if (above > 0 && mass[at]! > 0) sum -= mass[at]! * Math.expm1(-above)
  }
  return sum
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by
}
