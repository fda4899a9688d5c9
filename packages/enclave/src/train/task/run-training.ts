import type { OutputPart, TrainTask } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import type { OnnxModel } from '@sotto/protocol/onnx'
import { roomTrainError } from '../errors.ts'
import { Chance } from '../random/streams.ts'
import { openScore } from '../step/score.ts'
import { openStep } from '../step/session.ts'
import { createTrainer } from '../trainer.ts'
import { descend } from './descend.ts'
import { metricsOf, predictionsOf } from './evaluate.ts'
import { graphsOf } from './graphs.ts'
import { grow } from './grow.ts'
import type { Learned, LearnOptions } from './learned.ts'
import { makeParts } from './make-parts.ts'
import { requireTask } from './require-task.ts'
import { readRows, type Tables, type TrainingRows } from './rows.ts'
import { settingsOf } from './settings.ts'

/** One run of a task. */
export interface TrainingRun extends Partial<LearnOptions> {
  readonly task: TrainTask
  readonly tables: Tables
  /** Of the recipe `graph`: what its owner sealed. */
  readonly forward?: OnnxModel
  /** What is wanted, and bytes of each at most. */
  readonly parts: ReadonlyMap<OutputPart, number>
  /** 32 bytes of this run only, from which all of its chance follows: whoever has them and the model has the data. */
  readonly secret: Uint8Array
}

/** What may be said of a run. */
export interface TrainingFigures {
  readonly steps: number
  readonly reason: Learned['reason']
  readonly graph?: Digest
}

/** What a run made: each part that was wanted. */
export interface TrainingResult {
  readonly parts: ReadonlyMap<OutputPart, Uint8Array>
  readonly figures: TrainingFigures
}

/**
 * Trains what a task says. The same task, tables and secret have the same parts, on processors of one kind. Under a guarantee
 * what is refused depends on the schema, on weights that have noise and on rows whose owners let exact figures out.
 * @throws codes of training
 */
export async function runTraining(run: TrainingRun): Promise<TrainingResult> {
  const { task, tables, forward, parts, secret, threads = 1, signal, from, onProgress } = run
  requireTask(task)
  const chance = new Chance(secret)
  const isMeasured = parts.has('metrics') || task.descent?.stopEarly !== undefined
  const rows = readRows(task, tables, chance, isMeasured)
  const options = {
    threads,
    ...(signal && { signal }),
    ...(from && { from }),
    ...(onProgress && { onProgress }),
  }
  const learned = await learn(task, rows, chance, options, forward)
  try {
    const { steps, reason, graph } = learned
    const made = await makeParts(parts, (part) => makePart(part, run, learned, rows, chance))
    return { parts: made, figures: { steps, reason, ...(graph !== undefined && { graph }) } }
  } finally {
    await learned.close()
  }
}

/**
 * Finds out whether a task can be trained, before there are data: its settings, and the graph, with its clip, where it is no
 * party's.
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_PRIVACY`, `ROOM_TRAIN_GRAPH`, `ROOM_TRAIN_TOO_LARGE`
 */
export async function tryTraining(task: TrainTask): Promise<void> {
  requireTask(task)
  if (task.recipe.kind === 'gbdt' || task.recipe.kind === 'graph') return
  const { step, score } = graphsOf(task)
  const scorer = await openScore(score)
  await scorer.close()
  const session = await openStep(step)
  try {
    // Of rows that are made up, by a chance that everybody knows.
    const chance = new Chance(new Uint8Array(32))
    const settings = settingsOf(task)
    await createTrainer({ session, parts: [], places: [], totalRows: 0, chance, settings })
  } finally {
    await session.close()
  }
}

function learn(
  task: TrainTask,
  rows: TrainingRows,
  chance: Chance,
  options: LearnOptions,
  forward: OnnxModel | undefined,
): Promise<Learned> {
  const { recipe } = task
  return recipe.kind === 'gbdt'
    ? grow(task, recipe, rows, chance, options)
    : descend(task, rows, chance, options, forward)
}

function makePart(
  part: OutputPart,
  { task, tables, parts }: TrainingRun,
  learned: Learned,
  { held }: TrainingRows,
  chance: Chance,
): Promise<Uint8Array> {
  if (part === 'model') return learned.model()
  if (part === 'metrics') return metricsOf(task, learned, held, chance)
  const { predict } = task
  const source = part === 'predictions' && predict ? tables.get(predict.table) : undefined
  if (!source || !predict) throw roomTrainError('ROOM_TRAIN_SETTINGS', 'the task makes no such part')
  return predictionsOf(task, learned, source, predict.key, parts.get(part)!)
}
