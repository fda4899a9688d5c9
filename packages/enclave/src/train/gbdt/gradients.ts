import type { Task } from '../evaluate/figures.ts'

/**
 * Gradients are multiples of 2^-30: sums of up to four million of them are then exact in doubles, whoever adds them in which
 * order.
 */
const GRID = 2 ** -30
/** Curvature that a row has at least, however sure the score is. */
const LEAST = 2 ** -20

/** Scores and labels of rows, and which score a tree is for. */
export interface Standing {
  readonly scores: Float64Array
  readonly labels: Float32Array
  readonly outputs: number
  readonly output: number
}

/**
 * Writes the gradient and curvature of each row's loss by its score: squared error of numbers, log loss of classes.
 * @returns their sums
 */
export function gradientsOf(
  task: Task,
  { scores, labels, outputs, output }: Standing,
  gradients: Float64Array,
  curvatures: Float64Array,
): [number, number] {
  let [gradient, curvature] = [0, 0]
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    let [g, h] = [scores[row]! - label, 1]
    if (task !== 'number') {
      const p =
        task === 'two' ? 1 / (1 + Math.exp(-scores[row]!)) : partOf(scores, row * outputs, outputs, output)
      g = p - Number(task === 'two' ? label === 1 : label === output)
      h = Math.max(LEAST, p * (1 - p))
    }
    gradient += gradients[row] = Math.round(g / GRID) * GRID
    curvature += curvatures[row] = Math.round(h / GRID) * GRID
  }
  return [gradient, curvature]
}

/** What softmax gives one of the scores of a row. */
function partOf(scores: Float64Array, from: number, count: number, which: number): number {
  let most = -Infinity
  for (let at = from; at < from + count; at++) most = Math.max(most, scores[at]!)
  let sum = 0
  for (let at = from; at < from + count; at++) sum += Math.exp(scores[at]! - most)
  return Math.exp(scores[from + which]! - most) / sum
}
