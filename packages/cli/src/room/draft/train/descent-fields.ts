import type { Descent } from '@sotto/protocol/contract'
import { type Decoder, integer, object, partial } from '@sotto/protocol/jcs'
import { decimal, kindOf } from '../values.ts'
import type { DraftDescent } from './types.ts'

const MICROS = 1_000_000
const NANOS = 1_000_000_000
const MAX_STEPS = 10_000_000
const MAX_BATCH = 10_000_000

const DEFAULT_STEPS = 1000
const DEFAULT_RATE = { adamw: NANOS / 100, sgd: NANOS / 10 }
const DEFAULT_BETA1 = 900_000
const DEFAULT_BETA2 = 999_000

const part = decimal(6, 0, MICROS - 1)
const decay = decimal(6, 0, MICROS)

const adamw: Decoder<Descent['optimiser']> = (value, path) => {
  const given = partial<{ beta1?: number; beta2?: number; weight_decay?: number }>({
    beta1: part,
    beta2: part,
    weight_decay: decay,
  })(value, path)
  return {
    kind: 'adamw',
    beta1Micros: given.beta1 ?? DEFAULT_BETA1,
    beta2Micros: given.beta2 ?? DEFAULT_BETA2,
    weightDecayMicros: given.weight_decay ?? 0,
  }
}

const sgd: Decoder<Descent['optimiser']> = (value, path) => {
  const given = partial<{ momentum?: number; weight_decay?: number }>({
    momentum: part,
    weight_decay: decay,
  })(value, path)
  return { kind: 'sgd', momentumMicros: given.momentum ?? 0, weightDecayMicros: given.weight_decay ?? 0 }
}

type Curve = Omit<Descent['schedule'], 'rateNanos'>

function curve(kind: Curve['kind']): Decoder<Curve> {
  return (value, path) => {
    const { warmup = 0, floor = 0 } = partial<{ warmup?: number; floor?: number }>({
      warmup: integer(0, MAX_STEPS),
      floor: decimal(6, 0, MICROS),
    })(value, path)
    return { kind, warmupSteps: warmup, floorMicros: floor }
  }
}

/** Members of `train` that say how weights move. */
export interface DescentMembers {
  steps?: number
  batch?: number
  optimiser?: Descent['optimiser']
  /** In billionths. */
  learning_rate?: number
  schedule?: Curve
  stop_early?: NonNullable<Descent['stopEarly']>
}

/** Their decoders. */
export const DESCENT_FIELDS: {
  readonly [Name in keyof Required<DescentMembers>]: Decoder<Required<DescentMembers>[Name]>
} = {
  steps: integer(1, MAX_STEPS),
  batch: integer(1, MAX_BATCH),
  optimiser: kindOf({ adamw, sgd }),
  learning_rate: decimal(9, 1, 1000 * NANOS),
  schedule: kindOf({ constant: curve('constant'), linear: curve('linear'), cosine: curve('cosine') }),
  stop_early: object({ every: integer(1, MAX_STEPS), patience: integer(1, MAX_STEPS) }),
}

/** What is not said is: 1000 steps of AdamW, at a rate that falls like a cosine from 0.01 to 0 (of SGD from 0.1). */
export function descentOf({
  steps = DEFAULT_STEPS,
  batch,
  optimiser = adamw({}, ''),
  learning_rate: rateNanos = DEFAULT_RATE[optimiser.kind],
  schedule = curve('cosine')({}, ''),
  stop_early: stopEarly,
}: DescentMembers): DraftDescent {
  const { kind, warmupSteps, floorMicros } = schedule
  return {
    steps,
    batch,
    optimiser,
    schedule: { kind, rateNanos, warmupSteps, floorMicros },
    ...(stopEarly && { stopEarly }),
  }
}
