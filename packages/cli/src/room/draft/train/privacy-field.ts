import { boolean, type Decoder, integer, jcsError, partial } from '@sotto/protocol/jcs'
import { decimal, epsilon } from '../values.ts'
import type { DraftPrivacy } from './types.ts'

const MICROS = 1_000_000
const NANOS = 1_000_000_000
const DEFAULT_DELTA_TRILLIONTHS = 10_000_000
const MAX_CONTRIBUTORS = 1_000_000_000
/** What a run can cost at most. */
export const MAX_RUN_EPSILON_MICROS = 100_000_000

/** `privacy`: `{epsilon: 3, delta: 1e-5, contributors: 30000}`, or `noise` in place of `epsilon`. @throws `JCS_FIELD` */
export const privacyField: Decoder<DraftPrivacy> = (value, path) => {
  const given = partial<{
    epsilon?: number
    delta?: number
    noise?: number
    exact?: boolean
    clip?: number
    max_rows_per_contributor?: number
    sample_rate?: number
    contributors?: number
  }>({
    epsilon: epsilon(MAX_RUN_EPSILON_MICROS),
    delta: decimal(12, 1, 10 ** 11),
    noise: decimal(6, MICROS / 10, 1000 * MICROS),
    exact: boolean(),
    clip: decimal(6, 1, 1000 * MICROS),
    max_rows_per_contributor: integer(1, 10_000),
    sample_rate: decimal(9, 1, NANOS),
    contributors: integer(1, MAX_CONTRIBUTORS),
  })(value, path)
  if (given.epsilon === undefined && given.noise === undefined)
    throw jcsError('JCS_FIELD', `${path}: expected what it may cost, or its noise: epsilon or noise`)
  if ((given.sample_rate === undefined) === (given.contributors === undefined))
    throw jcsError(
      'JCS_FIELD',
      `${path}: expected how often a contributor is in a step: contributors, how many there are in all, or sample_rate`,
    )
  const deltaTrillionths = given.delta ?? DEFAULT_DELTA_TRILLIONTHS
  // With a larger one the guarantee would allow to show one of them whole.
  if (deltaTrillionths * (given.contributors ?? 0) > 1e12)
    throw jcsError('JCS_FIELD', `${path}.delta: expected less than one in the contributors`)
  return {
    epsilonMicros: given.epsilon,
    noiseMicros: given.noise,
    sampleRateNanos: given.sample_rate,
    contributors: given.contributors,
    clipMicros: given.clip ?? MICROS,
    maxRowsPerContributor: given.max_rows_per_contributor ?? 1,
    noise: given.exact === true ? 'discrete' : 'gaussian',
    deltaTrillionths,
  }
}
