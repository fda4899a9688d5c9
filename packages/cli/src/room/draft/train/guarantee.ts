import {
  type Descent,
  epsilonMicrosFor,
  noiseMicrosFor,
  type TrainPrivacy,
  type TrainTask,
} from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import { MAX_RUN_EPSILON_MICROS } from './privacy-field.ts'
import type { DraftDescent, DraftPrivacy } from './types.ts'

const NANOS = 1_000_000_000
const MICROS = 1_000_000
const MAX_NOISE_MICROS = 1000 * MICROS

/** An error at a member of a training. */
export type Refuse = (member: string, message: string, found?: string) => Error

/** What a guarantee follows from, beside itself. */
export interface GuaranteeContext {
  descent: DraftDescent
  /** Rows of a step where the draft does not say. */
  batch: number
  /** Part of the contributors that is measured with. */
  validation: TrainTask['validation'] | { texts: string[] } | undefined
  refuse: Refuse
}

/** A guarantee in whole numbers, with its price computed and rounded up; and the steps that it is of. @throws as `refuse` */
export function guaranteeOf(
  draft: DraftPrivacy,
  { descent, batch: usual, validation, refuse }: GuaranteeContext,
): { descent: Descent; privacy: TrainPrivacy } {
  const { steps } = descent
  const { clipMicros, maxRowsPerContributor, noise, deltaTrillionths } = draft
  const apart = validation && 'splitNanos' in validation ? validation.splitNanos / NANOS : 0
  const rows = rowsOf(draft, apart)
  const most = noise === 'discrete' && rows !== undefined ? rows : usual
  const batch = descent.batch ?? Math.min(most, rows ?? Infinity)
  const sampleRateNanos = draft.sampleRateNanos ?? Math.max(1, Math.round((batch * NANOS) / rows!))
  if (sampleRateNanos > NANOS)
    throw refuse('batch', 'a step has more rows than all contributors together', `${batch} rows`)
  const terms = { sampleRateNanos, clipMicros, maxRowsPerContributor, noise, deltaTrillionths }
  const priceOf = (noiseMicros: number): number =>
    bounded(() => epsilonMicrosFor({ ...terms, noiseMicros }, { steps }), refuse)
  if (draft.noiseMicros === undefined) {
    const asked = { ...terms, epsilonMicros: draft.epsilonMicros! }
    const noiseMicros = noiseWithin(asked, steps, priceOf, refuse)
    return { descent: { ...descent, batch }, privacy: { ...asked, noiseMicros } }
  }
  const least = priceOf(draft.noiseMicros)
  const epsilonMicros = draft.epsilonMicros ?? least
  if (epsilonMicros < least)
    throw refuse(
      'privacy.epsilon',
      `with this noise a run costs at least ${least / MICROS}`,
      `${epsilonMicros / MICROS}`,
    )
  if (epsilonMicros > MAX_RUN_EPSILON_MICROS)
    throw refuse('privacy.noise', 'with so little of it a run has no guarantee', `epsilon ${least / MICROS}`)
  return {
    descent: { ...descent, batch },
    privacy: { ...terms, noiseMicros: draft.noiseMicros, epsilonMicros },
  }
}

/** Rows that all contributors who are trained on bring to a step, were all of them in it. */
function rowsOf({ contributors, maxRowsPerContributor }: DraftPrivacy, apart: number): number | undefined {
  if (contributors === undefined) return undefined
  return Math.max(1, Math.floor(contributors * maxRowsPerContributor * (1 - apart)))
}

/** The least noise whose price is what was asked for, or a little less. */
function noiseWithin(
  asked: Omit<TrainPrivacy, 'noiseMicros'>,
  steps: number,
  priceOf: (noiseMicros: number) => number,
  refuse: Refuse,
): number {
  let noiseMicros = bounded(() => noiseMicrosFor(asked, { steps }), refuse)
  while (noiseMicros <= MAX_NOISE_MICROS) {
    if (priceOf(noiseMicros) <= asked.epsilonMicros) return noiseMicros
    // What is proven of discrete noise may be a little more than what is proven of Gaussian noise.
    noiseMicros = Math.ceil(noiseMicros * 1.01)
  }
  throw refuse('privacy.epsilon', 'it needs more noise than there is', `${asked.epsilonMicros / MICROS}`)
}

/** In words of a draft what an accountant says nothing about. */
function bounded<T>(compute: () => T, refuse: Refuse): T {
  try {
    return compute()
  } catch (error) {
    if (!(error instanceof SottoError) || error.code !== 'PRIVACY_BOUNDS') throw error
    throw refuse('privacy', error.message, error.found)
  }
}
