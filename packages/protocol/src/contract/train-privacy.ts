import { noiseFor, privacyCost, renyiEpsilon } from '../privacy/index.ts'
import { contractError } from './errors.ts'
import { isTraining, type Task } from './tasks.ts'
import type { Descent, TrainPrivacy } from './learning.ts'
import type { Contract } from './types.ts'

const MICROS = 1_000_000
const NANOS = 1_000_000_000
const TRILLIONTHS = 1_000_000_000_000

/** What an accountant needs of a guarantee. */
export type PrivacyTerms = Pick<
  TrainPrivacy,
  'sampleRateNanos' | 'noiseMicros' | 'deltaTrillionths' | 'noise'
>

/** Accountants take some tenths of a second: what was asked lately is not computed again. */
const MAX_KNOWN = 64
const known = new Map<string, number>()

/**
 * What the steps of a training cost at least, in millionths of epsilon and rounded up: for each contributor of each table
 * that is trained on, whoever else is in it. Discrete noise is charged by Rényi divergence, which bounds it as well.
 * @param steps 1 to 10000000
 * @throws `PRIVACY_BOUNDS`
 */
export function provenEpsilonMicros(terms: PrivacyTerms, { steps }: Pick<Descent, 'steps'>): number {
  const { sampleRateNanos, noiseMicros, deltaTrillionths, noise } = terms
  const key = [sampleRateNanos, noiseMicros, deltaTrillionths, noise, steps].join(' ')
  const before = known.get(key)
  if (before !== undefined) return before
  const phases = [{ rate: sampleRateNanos / NANOS, noise: noiseMicros / MICROS, steps }]
  const delta = deltaTrillionths / TRILLIONTHS
  const { epsilon } = noise === 'discrete' ? renyiEpsilon(phases, delta) : privacyCost(phases, delta)
  const proven = Math.max(1, Math.ceil(epsilon * MICROS))
  if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value!)
  known.set(key, proven)
  return proven
}

/**
 * What a contract writes down for these steps: one millionth over what is proven, so that parties whose machines round
 * logarithms otherwise agree that it is enough.
 * @throws `PRIVACY_BOUNDS`
 */
export function epsilonMicrosFor(terms: PrivacyTerms, descent: Pick<Descent, 'steps'>): number {
  return provenEpsilonMicros(terms, descent) + 1
}

/**
 * The least noise, in millionths and rounded up, with which all steps cost no more than `epsilonMicros`.
 * @throws `PRIVACY_BOUNDS` also where no noise is enough
 */
export function noiseMicrosFor(
  { sampleRateNanos, deltaTrillionths, epsilonMicros }: Omit<TrainPrivacy, 'noiseMicros' | 'noise'>,
  { steps }: Pick<Descent, 'steps'>,
): number {
  // Less by what the contract adds.
  const target = { epsilon: (epsilonMicros - 1) / MICROS, delta: deltaTrillionths / TRILLIONTHS }
  return Math.ceil(noiseFor({ rate: sampleRateNanos / NANOS, steps }, target) * MICROS)
}

/**
 * Whether a contract charges for every training what it is proven to cost. Each of its guarantees takes some tenths of a
 * second: whoever asks about strangers' contracts asks once.
 * @throws `CONTRACT_PRIVACY` with the first that costs more than it says; `PRIVACY_BOUNDS`
 */
export function requireProvenPrivacy({ transforms }: Pick<Contract, 'transforms'>): void {
  for (const { name, task } of transforms) {
    if (!isGuaranteed(task)) continue
    const proven = provenEpsilonMicros(task.privacy, task.descent)
    if (task.privacy.epsilonMicros >= proven) continue
    throw contractError('CONTRACT_PRIVACY', `${name} costs more privacy than the contract says`, {
      expected: `epsilon of at least ${proven} millionths`,
      found: `${task.privacy.epsilonMicros} millionths`,
    })
  }
}

/** Whether a task gives a guarantee by its steps. */
export function isGuaranteed(task: Task): task is Task & { privacy: TrainPrivacy; descent: Descent } {
  return isTraining(task) && task.privacy !== undefined && task.descent !== undefined
}
