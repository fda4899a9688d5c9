/**
 * What every training has that moves weights: how they move, what is guaranteed, and what it may use. Micros are millionths,
 * nanos billionths.
 */
import { type Decoder, integer, literal, members, object, oneOf, refine, variants } from '../jcs/index.ts'

/** How weights move. */
export interface Descent {
  /** 1 to 10000000. */
  steps: number
  /** Rows of a step; under a guarantee what sums are divided by, drawn or not. 1 to 10000000. */
  batch: number
  optimiser:
    | { kind: 'sgd'; momentumMicros: number; weightDecayMicros: number }
    | { kind: 'adamw'; beta1Micros: number; beta2Micros: number; weightDecayMicros: number }
  schedule: {
    kind: 'constant' | 'linear' | 'cosine'
    /** The highest rate, in billionths. */
    rateNanos: number
    warmupSteps: number
    /** Part of the highest rate that the last step has. */
    floorMicros: number
  }
  /** Stops when so many figures of the loss, one each `every` steps, were not better than the best. Absent: all steps. */
  stopEarly?: { every: number; patience: number }
}

/** A guarantee for every contributor of every table that is trained on; without a column of contributors, for every row. */
export interface TrainPrivacy {
  /** Probability with which a contributor is in a step, in billionths: 1 to 1000000000. */
  sampleRateNanos: number
  /** Deviation of the noise over the clip: 0.1 to 1000, in millionths. */
  noiseMicros: number
  /** Norm of what one contributor moves the sum of a step by, at most: in millionths. */
  clipMicros: number
  /** Rows of one contributor in one step at most, each with its part of the clip: 1 to 10000. */
  maxRowsPerContributor: number
  /** `discrete`: exact, by whole numbers; for a sample rate of 1 and up to 10000 parameters. */
  noise: 'gaussian' | 'discrete'
  /** What the run costs, and is charged with: at least what an accountant proves. Micros of epsilon, 10^-12 of delta. */
  epsilonMicros: number
  deltaTrillionths: number
}

const MICROS = 1_000_000
const NANOS = 1_000_000_000
const MEBIBYTE = 2 ** 20
const DAY = 86_400
const MAX_STEPS = 10_000_000

const under1 = integer(0, MICROS - 1)
const sgd = object<Descent['optimiser'] & { kind: 'sgd' }>({
  kind: literal('sgd'),
  momentumMicros: under1,
  weightDecayMicros: integer(0, MICROS),
})

const adamw = object<Descent['optimiser'] & { kind: 'adamw' }>({
  kind: literal('adamw'),
  beta1Micros: under1,
  beta2Micros: under1,
  weightDecayMicros: integer(0, MICROS),
})

const optimiserDecoder = variants<Descent['optimiser']>('kind', { sgd, adamw })

/** Decodes a {@link Descent}. @throws `JCS_FIELD` */
export const descentDecoder: Decoder<Descent> = refine(
  members<Descent>(
    {
      steps: integer(1, MAX_STEPS),
      batch: integer(1, 10_000_000),
      optimiser: optimiserDecoder,
      schedule: object<Descent['schedule']>({
        kind: oneOf('constant', 'linear', 'cosine'),
        rateNanos: integer(1, 1000 * NANOS),
        warmupSteps: integer(0, MAX_STEPS),
        floorMicros: integer(0, MICROS),
      }),
    },
    { stopEarly: object({ every: integer(1, MAX_STEPS), patience: integer(1, MAX_STEPS) }) },
  ),
  ({ steps, schedule }) => (schedule.warmupSteps < steps ? undefined : 'it only warms up'),
)

/** Decodes a {@link TrainPrivacy}. @throws `JCS_FIELD` */
export const privacyDecoder: Decoder<TrainPrivacy> = refine(
  object<TrainPrivacy>({
    sampleRateNanos: integer(1, NANOS),
    noiseMicros: integer(MICROS / 10, 1000 * MICROS),
    clipMicros: integer(1, 1000 * MICROS),
    maxRowsPerContributor: integer(1, 10_000),
    noise: oneOf('gaussian', 'discrete'),
    epsilonMicros: integer(1, 100_000_000),
    deltaTrillionths: integer(1, 10 ** 11),
  }),
  ({ noise, sampleRateNanos }) =>
    noise === 'gaussian' || sampleRateNanos === NANOS
      ? undefined
      : 'discrete noise is for all rows in each step',
)

/** What a training may use. */
export const trainLimits: Decoder<{ memoryBytes: number; seconds: number }> = object({
  memoryBytes: integer(MEBIBYTE, 64 * 1024 * MEBIBYTE),
  seconds: integer(1, DAY),
})
