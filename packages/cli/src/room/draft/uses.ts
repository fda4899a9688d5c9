import { type Name, priceOf, type Task, type Transform, type Use } from '@sotto/protocol/contract'
import type { DraftUse } from './types.ts'

/** How often a transform may read an input where the draft does not say. */
const DEFAULT_RUNS = 100
/** Of a training with a guarantee: what people read as its epsilon is what is spent. */
const DEFAULT_TRAININGS = 1

/**
 * The budget of one edge. What a training spends is known, so its budget is that of the runs; that of a query is its
 * owner's to say, for without one exact figures may leave.
 */
export function useOf(
  { name, task }: Pick<Transform, 'name'> & { task?: Task },
  input: Name,
  given: Partial<DraftUse> = {},
): Use {
  const price = task?.kind === 'train' || task?.kind === 'finetune' ? priceOf(task, input) : undefined
  const runs = given.runs ?? (price === undefined ? DEFAULT_RUNS : DEFAULT_TRAININGS)
  const epsilonMicros = given.epsilonMicros ?? (price && runs * price.epsilonMicros)
  const deltaTrillionths =
    given.deltaTrillionths ??
    (price?.deltaTrillionths === undefined ? undefined : runs * price.deltaTrillionths)
  return {
    transform: name,
    runs,
    ...(epsilonMicros !== undefined && { epsilonMicros }),
    ...(deltaTrillionths !== undefined && { deltaTrillionths }),
  }
}
