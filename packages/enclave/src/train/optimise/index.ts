import type { OptimiserSettings } from '../settings.ts'
import { createAdamW } from './adamw.ts'
import { createSgd } from './sgd.ts'
import type { Optimiser } from './types.ts'

/** The optimiser of a run, for weights of these sizes. */
export function createOptimiser(settings: OptimiserSettings, sizes: readonly number[]): Optimiser {
  return settings.kind === 'sgd' ? createSgd(settings, sizes) : createAdamW(settings, sizes)
}

export { rateAt } from './schedule.ts'
export type { Optimiser, Weights } from './types.ts'
