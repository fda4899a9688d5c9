import type { TrainPrivacy, TrainRecipe, TrainTask } from '@sotto/protocol/contract'
import type { TableSource } from '../../../src/train/index.ts'
import { MADE_UP, madeUp } from '../tables.ts'

/** Of every run of these tests. */
export const SECRET = (): Uint8Array => new Uint8Array(32).fill(9)

/** Trees of a few rounds. */
export const TREES: TrainRecipe = {
  kind: 'gbdt',
  trees: 8,
  depth: 3,
  bins: 32,
  learningRateMicros: 300_000,
  lambdaMicros: 1_000_000,
  minChildWeightMicros: 1_000_000,
}

const GUARANTEE: TrainPrivacy = {
  sampleRateNanos: 200_000_000,
  noiseMicros: 1_000_000,
  clipMicros: 1_000_000,
  maxRowsPerContributor: 1,
  noise: 'gaussian',
  epsilonMicros: 20_000_000,
  deltaTrillionths: 10_000_000,
}

const data: TrainTask['data'] = {
  tables: ['one'],
  features: MADE_UP.features.map((feature) =>
    feature.kind === 'number' ? feature : { ...feature, values: [...feature.values] },
  ),
  label: { column: 'bad', kind: 'category', values: ['false', 'true'] },
}

/** Logistic regression over the table `one`, of {@link madeUp}. */
export const LOGISTIC: TrainTask = {
  kind: 'train',
  recipe: { kind: 'linear' },
  data,
  descent: {
    steps: 60,
    batch: 64,
    optimiser: { kind: 'adamw', beta1Micros: 900_000, beta2Micros: 999_000, weightDecayMicros: 0 },
    schedule: { kind: 'cosine', rateNanos: 200_000_000, warmupSteps: 2, floorMicros: 0 },
  },
  metrics: [],
  show: 'steps',
  limits: { memoryBytes: 2 ** 28, seconds: 30 },
}

/** The same with a guarantee. */
export const PRIVATE: TrainTask = { ...LOGISTIC, privacy: GUARANTEE }

const { descent: _, ...still } = LOGISTIC
/** Trees over the same table. */
export const BOOSTED: TrainTask = { ...still, recipe: TREES }

/** Rows for {@link LOGISTIC}. */
export const ONE: TableSource = madeUp('one', 300, 1)

/** The same rows, of which every label is one class. */
export const ONE_CLASS: TableSource = {
  ...ONE,
  bytes: Buffer.from(
    Buffer.from(ONE.bytes)
      .toString()
      .replaceAll(/false$/gm, 'true'),
  ),
}

/** A file that nobody agreed on: it lacks the label. */
export const NO_LABEL: TableSource = {
  ...ONE,
  bytes: Buffer.from(
    Buffer.from(ONE.bytes)
      .toString()
      .replaceAll(/,[^,]*$/gm, ''),
  ),
}
