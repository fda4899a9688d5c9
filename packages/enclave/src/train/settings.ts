import { roomTrainError } from './errors.ts'

/** How weights move: see the optimisers. All rates and parts are of one step. */
export type OptimiserSettings =
  | {
      readonly kind: 'sgd'
      /** Part of the last move that is made again: 0, under 1. */
      readonly momentum: number
      /** 0 to 1, of weights with two dimensions or more. */
      readonly weightDecay: number
    }
  | { readonly kind: 'adamw'; readonly beta1: number; readonly beta2: number; readonly weightDecay: number }

/** The rate of each step. */
export interface ScheduleSettings {
  readonly kind: 'constant' | 'linear' | 'cosine'
  /** The highest rate, over 0. */
  readonly rate: number
  /** Steps in which it rises from 0, in a line. Less than all. */
  readonly warmupSteps: number
  /** Part of the highest rate that the last step has: 0 to 1. Of `constant` it is no part. */
  readonly floor: number
}

/** What is guaranteed; accountants of `@sotto/protocol/privacy` say what that costs. */
export interface PrivacySettings {
  /** Probability with which each unit is in a step, in billionths: 1 to 1000000000. */
  readonly sampleRateNanos: number
  /** Deviation of the noise over the clip: 0.1 to 1e6. */
  readonly noise: number
  /** What one unit moves the sum of a step by, at most: over 0. */
  readonly clip: number
  /** Rows of one unit in one step, at most; each has its part of the clip. 1 to 10000. */
  readonly maxRowsPerUnit: number
  /**
   * `gaussian`: doubles on a grid, whose cost is that of ideal noise. `discrete`: exact, by whole numbers; of everybody's
   * data (a sample rate of 1) and up to 10000 parameters only. Its cost is what Rényi divergence says.
   */
  readonly kind: 'gaussian' | 'discrete'
}

/** What a run of steps is, without data, graph and secret. */
export interface TrainSettings {
  /** 1 to 10 million. */
  readonly steps: number
  /** Rows that a step is divided by, drawn or not: 1 to 10 million. */
  readonly expectedBatch: number
  readonly optimiser: OptimiserSettings
  readonly schedule: ScheduleSettings
  /** Absent: rows are shuffled, and no guarantee is given. */
  readonly privacy?: PrivacySettings
  /** Absent: all steps are made. */
  readonly stopEarly?: StopSettings
}

/** When to stop before the last step. */
export interface StopSettings {
  /** Steps between two figures: 1 or more. */
  readonly every: number
  /** Figures in a row without a better one, after which it stops: 1 or more. */
  readonly patience: number
  /**
   * Whether the owners of all rows that are measured let exact figures about them out. When a training stops is such a
   * figure: with a guarantee for those rows it would be one that is not paid for.
   */
  readonly isExactAllowed: boolean
}

const MAX_STEPS = 10_000_000
const MAX_BATCH = 10_000_000
const NANOS = 1_000_000_000
const MAX_ROWS_PER_UNIT = 10_000
/** Exact noise takes tens of microseconds a number. */
export const MAX_EXACT_PARAMETERS = 10_000

/**
 * Checks settings by themselves.
 * @throws `ROOM_TRAIN_SETTINGS`; `ROOM_TRAIN_PRIVACY` for what would break the guarantee
 */
export function requireSettings(settings: TrainSettings): void {
  const { steps, expectedBatch, optimiser, schedule, privacy, stopEarly } = settings
  whole('steps', steps, 1, MAX_STEPS)
  whole('the expected batch', expectedBatch, 1, MAX_BATCH)
  within('weight decay', optimiser.weightDecay, 0, 1)
  if (optimiser.kind === 'sgd') within('momentum', optimiser.momentum, 0, 1 - 1e-6)
  else for (const beta of [optimiser.beta1, optimiser.beta2]) within('a beta', beta, 0, 1 - 1e-6)
  within('the rate', schedule.rate, 1e-12, 1e6)
  within('the floor of the rate', schedule.floor, 0, 1)
  whole('steps of warming up', schedule.warmupSteps, 0, steps - 1)
  if (stopEarly) {
    whole('steps between figures', stopEarly.every, 1, MAX_STEPS)
    whole('patience', stopEarly.patience, 1, MAX_STEPS)
  }
  if (privacy) requirePrivacy(privacy, stopEarly)
}

function requirePrivacy(privacy: PrivacySettings, stopEarly: StopSettings | undefined): void {
  whole('the rate of sampling', privacy.sampleRateNanos, 1, NANOS)
  within('noise', privacy.noise, 0.1, 1e6)
  within('the clip', privacy.clip, 1e-9, 1e9)
  whole('rows of one unit', privacy.maxRowsPerUnit, 1, MAX_ROWS_PER_UNIT)
  if (privacy.kind === 'discrete' && privacy.sampleRateNanos !== NANOS)
    throw roomTrainError('ROOM_TRAIN_PRIVACY', 'exact noise is for all rows in each step', {
      expected: 'a sample rate of 1, or Gaussian noise',
    })
  if (stopEarly && !stopEarly.isExactAllowed)
    throw roomTrainError(
      'ROOM_TRAIN_PRIVACY',
      'when a training stops would tell of rows that are protected',
      {
        expected: 'all steps, or rows to measure with whose owner lets exact figures out',
      },
    )
}

function whole(what: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value)) within(what, value, least, most)
  else throw roomTrainError('ROOM_TRAIN_SETTINGS', `${what}: no whole number`)
}

function within(what: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return
  throw roomTrainError('ROOM_TRAIN_SETTINGS', `${what}: out of bounds`, { expected: `${least} to ${most}` })
}
