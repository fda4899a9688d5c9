import type { TrainingState } from '@sotto/protocol/training'
import { afterFigure, FRESH, isMeasuredAt, isOver, type StopState } from './early-stop.ts'
import { roomTrainError } from './errors.ts'
import type { Examples } from './data/units.ts'
import type { TrainSettings } from './settings.ts'
import type { PartSum, Trainer } from './trainer.ts'

/** What a step has to show. */
export interface StepReport {
  /** Steps that are done. */
  readonly done: number
  /** Mean loss of the rows that the step took, before it moved; with a guarantee, none. */
  readonly loss?: number
}

/** How {@link train} goes. */
export interface TrainOptions {
  readonly trainer: Trainer<Examples>
  readonly settings: TrainSettings
  /** Where to go on. Default: the beginning. */
  readonly from?: TrainingState
  /** Sums of other trainers for a step; default none. */
  readonly others?: (step: number) => Promise<readonly PartSum[]>
  /** The figure that early stopping looks at, of which less is better. Needed for it. */
  readonly measure?: (values: readonly Float32Array[]) => Promise<number>
  /**
   * Called after each step, and awaited.
   * @param state a copy of all that the rest depends on, while the call is awaited
   */
  readonly onStep?: (report: StepReport, state: () => TrainingState) => Promise<void> | void
  /** Ends it between two steps. */
  readonly signal?: AbortSignal
}

/** How a training ended: all steps are made, or no figure was better for as long as it was patient. */
export interface TrainResult {
  readonly state: TrainingState
  readonly reason: 'steps' | 'early'
}

/**
 * Makes steps until the last, or until early stopping. From the state after any step it comes to the very same end.
 * @throws `ROOM_TRAIN_NOT_FINITE`, `ROOM_TRAIN_GRAPH`, `ROOM_TRAIN_CHECKPOINT`; `ROOM_TRAIN_CANCELLED` when the signal aborts
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { trainer, settings, from, others, measure, onStep, signal } = options
  const { stopEarly } = settings
  if (stopEarly && !measure)
    throw roomTrainError('ROOM_TRAIN_SETTINGS', 'early stopping needs rows to measure with')
  if (from) trainer.restore(from)
  let stop: StopState = from?.stop ?? FRESH
  const stateAt = (done: number): TrainingState => ({ ...trainer.state(done), ...(stopEarly && { stop }) })
  let done = from?.step ?? 0
  while (done < settings.steps) {
    // A state after the figure that ended it is an end, too.
    if (stopEarly && isOver(stopEarly, stop)) return { state: stateAt(done), reason: 'early' }
    if (signal?.aborted) throw roomTrainError('ROOM_TRAIN_CANCELLED', 'the training was cancelled')
    const own = await trainer.sum(done)
    const all = others ? [...own, ...(await others(done))] : own
    trainer.apply(done, all)
    done++
    if (stopEarly && measure && isMeasuredAt(stopEarly, done))
      stop = afterFigure(stop, await measure(trainer.values))
    const now = done
    await onStep?.({ done, ...lossOf(all) }, () => stateAt(now))
  }
  return { state: stateAt(done), reason: 'steps' }
}

function lossOf(all: readonly PartSum[]): { loss?: number } {
  let total = 0
  let rows = 0
  for (const { loss, examples } of all) {
    if (loss === undefined) return {}
    total += loss
    rows += examples
  }
  return rows === 0 ? {} : { loss: total / rows }
}
