import type { TrainTask } from '@sotto/protocol/contract'
import type { StepReport } from '../loop.ts'
import type { TrainingProgress } from './learned.ts'

/** A loss is shown only where the contract says so, and as far as whole numbers go. Rounding may take it below 0. */
export function progressOf(
  { done, loss }: StepReport,
  { show }: Pick<TrainTask, 'show'>,
  of: number,
): TrainingProgress {
  const lossMicros = show === 'loss' && loss !== undefined ? Math.max(0, Math.round(loss * 1e6)) : undefined
  return { done, of, ...(Number.isSafeInteger(lossMicros) && { lossMicros: lossMicros! }) }
}
