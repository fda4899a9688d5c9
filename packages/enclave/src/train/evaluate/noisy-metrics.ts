import type { MetricName, TrainingMetric } from '@sotto/protocol/training'
import { type RandomBytes, sampleDiscreteLaplace } from '../../noise/index.ts'
import type { Units } from '../data/units.ts'
import { roomTrainError } from '../errors.ts'
import type { Stream } from '../random/streams.ts'
import { exampleLoss, isRight, type Task } from './figures.ts'
import type { Scored } from './measure.ts'

/** Rows of one input, whose they are, and what a model says of them. */
export interface ScoredUnits extends Scored {
  readonly units: Units
}

/** What is measured, and what it may cost. */
export interface NoisyMeasure {
  readonly task: Task
  readonly split: TrainingMetric['split']
  /** What there is no figure of is left out, and costs nothing. */
  readonly names: readonly MetricName[]
  /** Of all figures together, in millionths: 1 to 1000000000, at least one for each. */
  readonly epsilonMicros: number
  /** Rows of one unit that count, the first ones: 1 to 10000. */
  readonly maxRowsPerUnit: number
  /** Of this measurement only: what is drawn again is the same noise. */
  readonly stream: Stream
}

/** What the loss of one example counts at most: nats of classes, a squared difference of numbers from -1 to 1. */
export const MOST_LOSS: Readonly<Record<Task, number>> = { number: 4, two: 4, many: 8 }
/** Steps that the loss of one example is counted in. */
const LOSS_STEPS = 2 ** 16
/** Bins of scores, as wide as each other in probability. */
const BINS = 64
const MAX_EPSILON_MICROS = 1_000_000_000
const MAX_ROWS_PER_UNIT = 10_000

/**
 * Figures over rows that are protected, each epsilon-differentially private by its share of epsilon (adding or removing one
 * unit), and all together by the sum of the shares, which is what may be spent.
 *
 * Proof. A unit is in one input, and m of its rows count, by their order among its own: a unit more changes which rows of
 * others count in nothing. Every figure is computed from whole numbers to each of which discrete Laplace noise of scale S /
 * epsilon is added, where S is what one unit changes the numbers by, summed over all of them; that is epsilon-private
 * (Ghosh, Roughgarden and Sundararajan, STOC 2009; for several numbers Dwork and Roth, 2014, Theorem 3.6), and nothing else
 * of the rows is used.
 * - `accuracy`: rows that are right, and rows that are wrong. A row is one of them: S = m.
 * - `loss`: a row's loss, cut off at {@link MOST_LOSS}, is rounded to l of G steps. The numbers are the sums of l and of G - l.
 *   A row adds G to both together: S = m G.
 * - `auc`: a histogram of probabilities for each class. A row is in one bin of one of them: S = m.
 * A score that is no number counts as wrong, with the most loss, and in the first bin: refusing it would tell.
 *
 * @returns figures as exact ones, with the epsilon of each. What noise leaves nothing of is the figure of a model that guesses.
 * @throws `ROOM_TRAIN_SETTINGS` for bounds, or less epsilon than figures
 */
export function measureNoisily(
  { task, split, names, epsilonMicros, maxRowsPerUnit, stream }: NoisyMeasure,
  inputs: readonly ScoredUnits[],
): TrainingMetric[] {
  const wanted = [...new Set(names)].filter((name) => isFigureOf(name, task))
  whole('rows of one unit', maxRowsPerUnit, 1, MAX_ROWS_PER_UNIT)
  whole('epsilon of metrics', epsilonMicros, Math.max(1, wanted.length), MAX_EPSILON_MICROS)
  const random: RandomBytes = (length) => Uint8Array.from({ length }, () => stream.byte())
  return wanted.map((metric, at) => {
    const share = shareOf(epsilonMicros, wanted.length, at)
    const { counts, each, figure } = FIGURES[metric](task, (visit) =>
      visitRows(inputs, maxRowsPerUnit, visit),
    )
    const scale = {
      numerator: BigInt(maxRowsPerUnit) * BigInt(each) * 1_000_000n,
      denominator: BigInt(share),
    }
    const noisy = counts.map((count) => count + Number(sampleDiscreteLaplace(scale, random)))
    return { metric, split, valueMicros: Math.round(figure(noisy) * 1e6), epsilonMicros: share }
  })
}

/** Whole numbers that a figure is computed from. */
interface Counts {
  readonly counts: Float64Array
  /** What one row adds to all counts together, at most. */
  readonly each: number
  readonly figure: (counts: Float64Array) => number
}

/** Calls with the scores of each row that counts, and its label. */
type Rows = (visit: (scores: Float32Array, label: number) => void) => void

const FIGURES: Readonly<Record<MetricName, (task: Task, rows: Rows) => Counts>> = {
  accuracy(task, rows) {
    const counts = new Float64Array(2)
    rows((scores, label) => {
      counts[isRight(task, scores, label) ? 0 : 1]! += 1
    })
    return { counts, each: 1, figure: partOf }
  },
  loss(task, rows) {
    const most = MOST_LOSS[task]
    const counts = new Float64Array(2)
    rows((scores, label) => {
      const loss = exampleLoss(task, scores, label)
      // What is no number is not under the most.
      const steps = loss < most ? Math.round((loss / most) * LOSS_STEPS) : LOSS_STEPS
      counts[0]! += steps
      counts[1]! += LOSS_STEPS - steps
    })
    return { counts, each: LOSS_STEPS, figure: (noisy) => most * partOf(noisy) }
  },
  auc(_, rows) {
    const counts = new Float64Array(2 * BINS)
    rows(([score], label) => {
      const probability = 1 / (1 + Math.exp(-score!))
      const bin = probability >= 0 ? Math.min(BINS - 1, Math.floor(probability * BINS)) : 0
      counts[(label === 1 ? BINS : 0) + bin]! += 1
    })
    return { counts, each: 1, figure: areaOf }
  },
}

/** The first count as a part of both. */
function partOf([one, other]: Float64Array): number {
  const all = one! + other!
  return all > 0 ? Math.min(1, Math.max(0, one! / all)) : 0.5
}

/**
 * Area under the curve of two histograms, where scores of one bin count half. Counts that noise made negative stay so: cut
 * off at zero, empty bins would have rows on the average.
 */
function areaOf(counts: Float64Array): number {
  let [negatives, positives, pairs] = [0, 0, 0]
  for (let bin = 0; bin < BINS; bin++) {
    const [below, own] = [counts[bin]!, counts[BINS + bin]!]
    pairs += own * (negatives + below / 2)
    negatives += below
    positives += own
  }
  return negatives > 0 && positives > 0 ? Math.min(1, Math.max(0, pairs / (negatives * positives))) : 0.5
}

function visitRows(inputs: readonly ScoredUnits[], most: number, visit: Parameters<Rows>[0]): void {
  for (const { scores, labels, units } of inputs) {
    const outputs = labels.length === 0 ? 1 : scores.length / labels.length
    for (let unit = 0; unit < units.count; unit++)
      for (const row of units.rowsOf(unit).subarray(0, most))
        visit(scores.subarray(row * outputs, (row + 1) * outputs), labels[row]!)
  }
}

function isFigureOf(metric: MetricName, task: Task): boolean {
  return metric === 'loss' || (metric === 'accuracy' ? task !== 'number' : task === 'two')
}

/** Whole micro-epsilons, of which the first figures get what does not divide: the shares add up to all, exactly. */
function shareOf(all: number, figures: number, at: number): number {
  return Math.floor(all / figures) + (at < all % figures ? 1 : 0)
}

function whole(what: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw roomTrainError('ROOM_TRAIN_SETTINGS', `${what}: out of bounds`, { expected: `${least} to ${most}` })
}
