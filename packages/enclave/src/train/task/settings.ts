/** Numbers of a contract, which are whole, as training counts: micros are millionths, nanos billionths. */
import type { Descent, TrainPrivacy, TrainRecipe } from '@sotto/protocol/contract'
import { roomTrainError } from '../errors.ts'
import { microBatchFor } from '../step/micro-batch.ts'
import type { GbdtSettings } from '../gbdt/settings.ts'
import type { OptimiserSettings, PrivacySettings, TrainSettings } from '../settings.ts'

const MICROS = 1_000_000
const NANOS = 1_000_000_000

/** What a task says of how it learns, whatever it learns from. */
export interface Learning {
  readonly descent?: Descent
  readonly privacy?: TrainPrivacy
  readonly validation?: object
}

/**
 * The steps of a task that moves weights.
 * @throws `ROOM_TRAIN_SETTINGS` where it has none
 */
export function settingsOf({ descent, privacy, validation }: Learning): TrainSettings {
  const { steps, batch, optimiser, schedule, stopEarly } = requireDescent(descent)
  return {
    steps,
    expectedBatch: batch,
    optimiser: optimiserOf(optimiser),
    schedule: {
      kind: schedule.kind,
      rate: schedule.rateNanos / NANOS,
      warmupSteps: schedule.warmupSteps,
      floor: schedule.floorMicros / MICROS,
    },
    ...(privacy && { privacy: privacyOf(privacy) }),
    ...(stopEarly && {
      stopEarly: {
        ...stopEarly,
        // Contracts have no such rows whose owner asks for noise; those of an input that is divided are protected with it.
        isExactAllowed: validation !== undefined && !('splitNanos' in validation),
      },
    }),
  }
}

/** Rows that a graph of the task takes at once. */
export function microBatchOf({ descent, privacy }: Learning): number {
  return microBatchFor(requireDescent(descent).batch, privacy !== undefined)
}

/** How trees of a task grow. */
export function gbdtSettingsOf(recipe: TrainRecipe & { kind: 'gbdt' }): GbdtSettings {
  const { trees, depth, bins, learningRateMicros, lambdaMicros, minChildWeightMicros } = recipe
  return {
    trees,
    depth,
    bins,
    learningRate: learningRateMicros / MICROS,
    lambda: lambdaMicros / MICROS,
    minChildWeight: minChildWeightMicros / MICROS,
  }
}

function optimiserOf(optimiser: Descent['optimiser']): OptimiserSettings {
  const weightDecay = optimiser.weightDecayMicros / MICROS
  if (optimiser.kind === 'sgd')
    return { kind: 'sgd', momentum: optimiser.momentumMicros / MICROS, weightDecay }
  const { beta1Micros, beta2Micros } = optimiser
  return { kind: 'adamw', beta1: beta1Micros / MICROS, beta2: beta2Micros / MICROS, weightDecay }
}

function privacyOf(privacy: TrainPrivacy): PrivacySettings {
  return {
    sampleRateNanos: privacy.sampleRateNanos,
    noise: privacy.noiseMicros / MICROS,
    clip: privacy.clipMicros / MICROS,
    maxRowsPerUnit: privacy.maxRowsPerContributor,
    kind: privacy.noise,
  }
}

function requireDescent(descent: Descent | undefined): Descent {
  if (descent) return descent
  throw roomTrainError('ROOM_TRAIN_SETTINGS', 'weights need steps that move them')
}
