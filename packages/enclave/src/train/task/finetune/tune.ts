import type { FinetuneTask } from '@sotto/protocol/contract'
import { encodeMetrics } from '@sotto/protocol/training'
import type { TextPart } from '../../data/texts.ts'
import { roomTrainError } from '../../errors.ts'
import { train } from '../../loop.ts'
import type { Chance } from '../../random/streams.ts'
import { openTextScore, openTextStep } from '../../step/text-session.ts'
import { createTrainer } from '../../trainer.ts'
import type { Learned, LearnOptions } from '../learned.ts'
import { progressOf } from '../progress.ts'
import { settingsOf } from '../settings.ts'
import type { TuningGraphs } from './graphs.ts'
import type { TuningWindows } from './windows.ts'

/** Branches that were tuned. */
export interface Tuned {
  /** One array for each parameter of the graph. */
  readonly values: readonly Float32Array[]
  readonly steps: number
  readonly reason: Learned['reason']
  /** Mean loss of the tokens to measure with, in nats, before and after. */
  readonly losses?: { readonly base: number; readonly tuned: number }
}

/** What is to be found out beside the branches. */
export interface TuneOptions extends LearnOptions {
  /** Whether somebody wants the losses before and after. */
  readonly isCompared: boolean
}

/**
 * Moves branches against the loss of windows, step by step.
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_PRIVACY`, `ROOM_TRAIN_GRAPH`, `ROOM_TRAIN_NOT_FINITE`, `ROOM_TRAIN_CANCELLED`;
 *   `ROOM_TRAIN_EMPTY` where there is nothing to measure with
 */
export async function tune(
  task: FinetuneTask,
  graphs: TuningGraphs,
  { parts, held }: TuningWindows,
  chance: Chance,
  { threads, signal, from, onProgress, isCompared }: TuneOptions,
): Promise<Tuned> {
  const settings = settingsOf(task)
  const isMeasured = isCompared || settings.stopEarly !== undefined
  const measuring = isMeasured ? await openMeasure(graphs, held, threads) : undefined
  try {
    const session = await openTextStep(graphs.step, threads)
    try {
      const trainer = await createTrainer({
        session,
        parts,
        places: parts.map(({ place }) => place),
        totalRows: parts.reduce((sum, { part }) => sum + part.rows, 0),
        chance,
        settings,
      })
      const base = isCompared ? await measuring?.measure(trainer.values) : undefined
      const { state, reason } = await train({
        trainer,
        settings,
        ...(measuring && settings.stopEarly && { measure: measuring.measure }),
        ...(signal && { signal }),
        ...(from && { from }),
        onStep: (report, copy) => onProgress?.(progressOf(report, task, settings.steps), copy),
      })
      const values = state.parameters
      const tuned = { values, steps: state.step, reason }
      if (!measuring || base === undefined) return tuned
      return { ...tuned, losses: { base, tuned: await measuring.measure(values) } }
    } finally {
      await session.close()
    }
  } finally {
    await measuring?.close()
  }
}

/** The document of the loss of texts to measure with. @throws `ROOM_TRAIN_SETTINGS` where nobody measured */
export function tuningMetrics({ steps, losses }: Tuned): Uint8Array {
  if (!losses) throw roomTrainError('ROOM_TRAIN_SETTINGS', 'the task makes no such part')
  const loss = {
    metric: 'loss',
    split: 'validation',
    valueMicros: Math.round(losses.tuned * 1e6),
    baseMicros: Math.round(losses.base * 1e6),
  } as const
  return encodeMetrics({ v: 1, steps, metrics: [loss] })
}

/** Keeps the graph that tells the loss of texts open. */
async function openMeasure(
  { score }: TuningGraphs,
  held: readonly TextPart[],
  threads: number,
): Promise<{ measure(values: readonly Float32Array[]): Promise<number>; close(): Promise<void> }> {
  const session = await openTextScore(score, threads)
  return {
    measure: async (values) => (await session.loss(values, held)).loss,
    close: () => session.close(),
  }
}
