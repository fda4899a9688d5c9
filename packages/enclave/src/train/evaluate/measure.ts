import type { MetricName, TrainingMetric } from '@sotto/protocol/training'
import { accuracyOf, aucOf, lossOf, type Task } from './figures.ts'

/** Scores and labels of rows, in one order. */
export interface Scored {
  readonly scores: Float32Array
  readonly labels: Float32Array
}

/** Rows of several inputs as those of one. */
export function joinScored(all: readonly Scored[]): Scored {
  return {
    scores: join(all.map(({ scores }) => scores)),
    labels: join(all.map(({ labels }) => labels)),
  }
}

/**
 * Exact figures, which tell of the rows: whoever calls it knows that their owners let them out.
 * @param names of numbers only `loss`; `auc` of two classes only. What there is no figure of is left out.
 * @throws `ROOM_TRAIN_EMPTY`, `ROOM_TRAIN_ONE_CLASS`, `ROOM_TRAIN_NOT_FINITE`
 */
export function measure(
  task: Task,
  split: TrainingMetric['split'],
  names: readonly MetricName[],
  { scores, labels }: Scored,
): TrainingMetric[] {
  return names.flatMap((metric) => {
    const value = figureOf(metric, task, scores, labels)
    return value === undefined ? [] : [{ metric, split, valueMicros: Math.round(value * 1e6) }]
  })
}

function figureOf(
  metric: MetricName,
  task: Task,
  scores: Float32Array,
  labels: Float32Array,
): number | undefined {
  if (metric === 'loss') return lossOf(task, scores, labels)
  if (metric === 'accuracy') return task === 'number' ? undefined : accuracyOf(task, scores, labels)
  return task === 'two' ? aucOf(scores, labels) : undefined
}

function join(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((total, { length }) => total + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
