import { roomTrainError } from '../errors.ts'

/** What scores are of: a number, which of two classes (one score: its log odds), or which of more (a logit each). */
export type Task = 'number' | 'two' | 'many'

/**
 * Mean loss: of numbers the squared error, of classes the log loss in nats.
 * @param scores one a row, or `many`: as many as there are classes
 * @param labels numbers, or places of classes
 * @throws `ROOM_TRAIN_EMPTY`
 */
export function lossOf(task: Task, scores: Float32Array, labels: Float32Array): number {
  const outputs = outputsOf(scores, labels)
  let total = 0
  for (let row = 0; row < labels.length; row++)
    total += exampleLoss(task, scores.subarray(row * outputs, (row + 1) * outputs), labels[row]!)
  return total / labels.length
}

/** Loss of one row. */
export function exampleLoss(task: Task, scores: Float32Array, label: number): number {
  if (task === 'many') return logSum(scores) - scores[label]!
  if (task === 'number') return (scores[0]! - label) ** 2
  // log(1 + e^-z) of the score that speaks for the label, without a number that overflows.
  return softplus(label === 1 ? -scores[0]! : scores[0]!)
}

/** Part of rows whose class has the highest score. @throws `ROOM_TRAIN_EMPTY` */
export function accuracyOf(
  task: Exclude<Task, 'number'>,
  scores: Float32Array,
  labels: Float32Array,
): number {
  const outputs = outputsOf(scores, labels)
  let right = 0
  for (let row = 0; row < labels.length; row++)
    if (isRight(task, scores.subarray(row * outputs, (row + 1) * outputs), labels[row]!)) right++
  return right / labels.length
}

/** Whether the class of one row has the highest score. */
export function isRight(task: Task, scores: Float32Array, label: number): boolean {
  return classOf(task, scores) === label
}

/** The class of one row with the highest score; -1 where a score is no number. */
export function classOf(task: Task, scores: Float32Array): number {
  if (scores.some(Number.isNaN)) return -1
  return task === 'two' ? Number(scores[0]! > 0) : placeOfMost(scores)
}

/**
 * Area under the curve of true over false positives: how probable it is that a row of class 1 scores higher than one of
 * class 0, where equal scores count half.
 * @throws `ROOM_TRAIN_EMPTY`; `ROOM_TRAIN_ONE_CLASS` where there is no such pair
 */
export function aucOf(scores: Float32Array, labels: Float32Array): number {
  outputsOf(scores, labels)
  const order = Uint32Array.from(labels, (_, row) => row).toSorted((a, b) => scores[a]! - scores[b]!)
  let positives = 0
  let ranks = 0
  for (let from = 0; from < order.length;) {
    let to = from
    let among = 0
    for (; to < order.length && scores[order[to]!] === scores[order[from]!]; to++)
      if (labels[order[to]!] === 1) among++
    // Ranks of equal scores are their mean.
    ranks += among * ((from + 1 + to) / 2)
    positives += among
    from = to
  }
  const negatives = order.length - positives
  if (positives === 0 || negatives === 0)
    throw roomTrainError('ROOM_TRAIN_ONE_CLASS', 'all rows to measure with are of one class')
  return (ranks - (positives * (positives + 1)) / 2) / (positives * negatives)
}

function outputsOf(scores: Float32Array, labels: Float32Array): number {
  if (labels.length === 0) throw roomTrainError('ROOM_TRAIN_EMPTY', 'there is no row to measure with')
  // A score that is no number has no rank; a comparison with it would never end.
  if (!scores.every(Number.isFinite)) throw roomTrainError('ROOM_TRAIN_NOT_FINITE', 'a score is no number')
  return scores.length / labels.length
}

function softplus(value: number): number {
  return Math.max(0, value) + Math.log1p(Math.exp(-Math.abs(value)))
}

function logSum(scores: Float32Array): number {
  const most = scores[placeOfMost(scores)]!
  let sum = 0
  for (const score of scores) sum += Math.exp(score - most)
  return most + Math.log(sum)
}

function placeOfMost(scores: Float32Array): number {
  let place = 0
  for (let at = 1; at < scores.length; at++) if (scores[at]! > scores[place]!) place = at
  return place
}
