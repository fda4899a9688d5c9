import { privacyError } from './errors.ts'

/**
 * Steps of a computation that adds Gaussian noise to a sum over a sample of the data. Data sets are neighbours when one has
 * one contributor more than the other (add or remove), and no contributor moves the sum by more than the sensitivity.
 */
export interface SampledGaussian {
  /** Probability with which each contributor is in the sample of a step, independently of all others: 0 < q <= 1. */
  readonly rate: number
  /** Standard deviation of the noise over the sensitivity: 0.1 to 1e6. */
  readonly noise: number
  /** 1 to 10 million. */
  readonly steps: number
}

const MIN_NOISE = 0.1
const MAX_NOISE = 1e6
const MAX_STEPS = 10_000_000
/** Phases of one computation: rates and noise may change between them. */
const MAX_PHASES = 64
/** Below it rounding of doubles is no longer small beside delta. */
const MIN_DELTA = 1e-12

/** @throws `PRIVACY_BOUNDS` */
export function requireMechanism({ rate, noise, steps }: SampledGaussian): void {
  if (!(rate > 0 && rate <= 1))
    throw privacyError('a rate of sampling is a probability', 'over 0, at most 1', rate)
  if (!(noise >= MIN_NOISE && noise <= MAX_NOISE))
    throw privacyError('noise is out of bounds', `${MIN_NOISE} to ${MAX_NOISE}`, noise)
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > MAX_STEPS)
    throw privacyError('steps are out of bounds', `1 to ${MAX_STEPS}`, steps)
}

/** @throws `PRIVACY_BOUNDS` */
export function requirePhases(phases: readonly SampledGaussian[]): void {
  if (phases.length === 0 || phases.length > MAX_PHASES)
    throw privacyError('phases are out of bounds', `1 to ${MAX_PHASES}`, phases.length)
  phases.forEach(requireMechanism)
}

/** @throws `PRIVACY_BOUNDS` */
export function requireDelta(delta: number): void {
  if (!(delta >= MIN_DELTA && delta < 1))
    throw privacyError('delta is out of bounds', `${MIN_DELTA}, under 1`, delta)
}
