import type { MetricName } from '@sotto/protocol/training'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  Chance,
  measureNoisily,
  type NoisyMeasure,
  type ScoredUnits,
  type Task,
} from '../../src/train/index.ts'
import { contributorUnits, rowUnits } from '../../src/train/data/units.ts'
import { aucOf } from '../../src/train/evaluate/figures.ts'

const chance = new Chance(new Uint8Array(32).fill(12))
const DRAWS = 800
/** Standard errors that a mean or a variance of draws may be off by. */
const ERRORS = 5

function inputOf(rows: number, seed: number): ScoredUnits {
  const stream = chance.stream('try', seed)
  const labels = Float32Array.from({ length: rows }, () => Number(stream.uniform() < 0.4))
  const scores = labels.map((label) => 3 * (stream.uniform() - 0.5) + (label - 0.5))
  return { scores, labels, units: rowUnits(rows) }
}

function noisy(over: Partial<NoisyMeasure>, inputs: readonly ScoredUnits[], draw = 0): number[] {
  const of: NoisyMeasure = {
    task: 'two',
    split: 'validation',
    names: ['accuracy'],
    epsilonMicros: 500_000,
    maxRowsPerUnit: 1,
    stream: chance.stream('metrics', draw),
    ...over,
  }
  return measureNoisily(of, inputs).map(({ valueMicros }) => valueMicros / 1e6)
}

/** Mean and variance over many streams. */
function drawn(
  over: Partial<NoisyMeasure>,
  inputs: readonly ScoredUnits[],
): { mean: number; variance: number } {
  const all = Array.from({ length: DRAWS }, (_, draw) => noisy(over, inputs, draw)[0]!)
  const mean = all.reduce((sum, one) => sum + one, 0) / DRAWS
  return { mean, variance: all.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (DRAWS - 1) }
}

/** Variance of discrete Laplace noise of a scale: 2a / (1 - a)², with a = e^(-1 / scale). */
function varianceOf(scale: number): number {
  const a = Math.exp(-1 / scale)
  return (2 * a) / (1 - a) ** 2
}

/** A sample's variance of what has tails as Laplace noise has: its relative error is √(5 / draws). */
const SPREAD = ERRORS * Math.sqrt(5 / DRAWS)

describe('noisy figures', () => {
  const inputs = [inputOf(700, 1), inputOf(500, 2)]
  const rows = 1200

  it.each([
    [500_000, 1],
    [2_000_000, 1],
    [2_000_000, 3],
  ])(
    'of accuracy are right on the average, with the noise of an epsilon of %s micros and %s rows',
    (epsilonMicros, maxRowsPerUnit) => {
      const right = inputs.flatMap(({ scores, labels }) =>
        [...scores].filter((score, row) => Number(score > 0) === labels[row]),
      ).length
      const share = right / rows
      const found = drawn({ epsilonMicros, maxRowsPerUnit }, inputs)
      // To first order of the noise in each count.
      const noise = varianceOf((maxRowsPerUnit * 1e6) / epsilonMicros)
      const expected = (noise * ((1 - share) ** 2 + share ** 2)) / rows ** 2
      expect(Math.abs(found.mean - share)).toBeLessThan(ERRORS * Math.sqrt(expected / DRAWS) + 1e-6)
      // Without noise there is no variance, with half of it a quarter.
      expect(Math.abs(found.variance / expected - 1)).toBeLessThan(SPREAD)
    },
  )

  it('of the loss are those of a loss that is cut off, on the average', () => {
    const [one, two] = [inputOf(700, 1), inputOf(500, 2)]
    one.scores[0] = -50
    one.labels[0] = 1
    const losses = [one, two].flatMap(({ scores, labels }) =>
      [...scores].map((score, row) => Math.min(4, Math.log1p(Math.exp(labels[row] === 1 ? -score : score)))),
    )
    const expected = losses.reduce((sum, loss) => sum + loss / rows, 0)
    const share = expected / 4
    const variance = 16 * ((varianceOf(2) * ((1 - share) ** 2 + share ** 2)) / rows ** 2)
    const found = drawn({ names: ['loss'] }, [one, two])
    expect(Math.abs(found.mean - expected)).toBeLessThan(ERRORS * Math.sqrt(variance / DRAWS) + 1e-5)
    expect(Math.abs(found.variance / variance - 1)).toBeLessThan(SPREAD)
  })

  it('of the area are those of scores in bins, on the average', () => {
    const found = drawn({ names: ['auc'], epsilonMicros: 2_000_000 }, inputs)
    const all = {
      scores: inputs.flatMap(({ scores }) => [...scores]),
      labels: inputs.flatMap(({ labels }) => [...labels]),
    }
    const bins = Float32Array.from(all.scores, (score) => Math.floor(64 / (1 + Math.exp(-score))))
    const exact = aucOf(bins, Float32Array.from(all.labels))
    expect(
      Math.abs(exact - aucOf(Float32Array.from(all.scores), Float32Array.from(all.labels))),
    ).toBeLessThan(0.002)
    expect(Math.abs(found.mean - exact)).toBeLessThan(0.001)
    // What noise of this scale in 128 bins comes to: counted from the partial derivatives of the area.
    expect(
      Math.abs(found.variance / areaVariance(bins, Float32Array.from(all.labels), 0.5) - 1),
    ).toBeLessThan(SPREAD)
  })

  it('are exact where epsilon is as good as infinite', () => {
    const epsilonMicros = 1_000_000_000
    const [accuracy, loss] = noisy({ names: ['accuracy', 'loss'], epsilonMicros }, inputs)
    const [again, other] = noisy({ names: ['accuracy', 'loss'], epsilonMicros }, inputs, 1)
    expect([again, Math.round(other! * 1e4)]).toEqual([accuracy, Math.round(loss! * 1e4)])
  })

  it('cost what may be spent, in whole micros, whatever there is a figure of', () => {
    const names: MetricName[] = ['loss', 'accuracy', 'auc', 'loss']
    const costs = (task: Task, epsilonMicros: number): (number | undefined)[] =>
      measureNoisily(
        {
          task,
          split: 'train',
          names,
          epsilonMicros,
          maxRowsPerUnit: 1,
          stream: chance.stream('metrics', 0),
        },
        [
          {
            scores: new Float32Array(task === 'many' ? 3 : 1),
            labels: Float32Array.of(0),
            units: rowUnits(1),
          },
        ],
      ).map((metric) => metric.epsilonMicros)
    expect(costs('two', 1_000_000)).toEqual([333_334, 333_333, 333_333])
    expect(costs('many', 999_999)).toEqual([500_000, 499_999])
    expect(costs('number', 7)).toEqual([7])
    expect(() => costs('two', 2)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_SETTINGS' }))
  })

  it('count so many rows of a unit', () => {
    const scores = Float32Array.of(1, 1, 1, 1, 1, 1)
    const labels = Float32Array.of(1, 1, 0, 0, 0, 0)
    const units = contributorUnits(['a', 'b', 'a', 'a', 'a', 'a'])
    const epsilonMicros = 1_000_000_000
    const of = (maxRowsPerUnit: number): number =>
      noisy({ maxRowsPerUnit, epsilonMicros }, [{ scores, labels, units }])[0]!
    expect([of(1), of(2), of(5)]).toEqual([1, 0.666_667, 0.333_333])
  })

  it('are some of no rows, and of scores that are no numbers', () => {
    const names: MetricName[] = ['loss', 'accuracy', 'auc']
    const epsilonMicros = 3_000_000
    for (const task of ['two', 'many', 'number'] as const) {
      const none = { scores: new Float32Array(0), labels: new Float32Array(0), units: rowUnits(0) }
      const gone = {
        scores: new Float32Array(task === 'many' ? 6 : 2).fill(NaN),
        labels: Float32Array.of(0, 1),
        units: rowUnits(2),
      }
      for (const inputs of [[none], [gone], []])
        for (const value of noisy({ task, names, epsilonMicros }, inputs)) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(8)
        }
    }
    const wrong = { scores: Float32Array.of(NaN), labels: Float32Array.of(1), units: rowUnits(1) }
    expect(noisy({ names: ['accuracy', 'loss'], epsilonMicros: 1_000_000_000 }, [wrong])).toEqual([
      0,
      expect.closeTo(4, 1),
    ])
  })

  it.each([
    [{ epsilonMicros: 0 }],
    [{ epsilonMicros: 1.5 }],
    [{ epsilonMicros: NaN }],
    [{ epsilonMicros: 1_000_000_001 }],
    [{ maxRowsPerUnit: 0 }],
    [{ maxRowsPerUnit: 10_001 }],
  ])('are refused with %s', (over) => {
    expect(() => noisy(over, inputs)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_SETTINGS' }))
  })

  it('are of numbers that one unit moves by the sensitivity at most', () => {
    // Noise that is always 0 shows the numbers; figures of both neighbours are then those of their counts.
    const unit = fc.array(
      fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.integer({ min: 0, max: 1 })),
      {
        minLength: 1,
        maxLength: 5,
      },
    )
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 6 }),
        unit,
        fc.integer({ min: 1, max: 3 }),
        (units, more, most) => {
          const rightOf = (all: readonly (readonly (readonly [number, number])[])[]): number => {
            const flat = all.flat()
            const input = {
              scores: Float32Array.from(flat, ([score]) => score),
              labels: Float32Array.from(flat, ([, label]) => label),
              units: contributorUnits(all.flatMap((rows, owner) => rows.map(() => String(owner)))),
            }
            const counted = all.reduce((sum, rows) => sum + Math.min(most, rows.length), 0)
            const over = { maxRowsPerUnit: most, epsilonMicros: 1_000_000_000 }
            return counted === 0 ? 0 : Math.round(noisy(over, [input])[0]! * counted)
          }
          expect(Math.abs(rightOf([...units, more]) - rightOf(units))).toBeLessThanOrEqual(most)
        },
      ),
    )
  })
})

/** Variance of the area by noise of a scale in each of 128 bins, to first order. */
function areaVariance(bins: Float32Array, labels: Float32Array, scale: number): number {
  const [negatives, positives] = [new Float64Array(64), new Float64Array(64)]
  for (const [row, bin] of bins.entries()) (labels[row] === 1 ? positives : negatives)[bin]! += 1
  const [n, p] = [negatives, positives].map((all) => all.reduce((sum, one) => sum + one, 0))
  const area = aucOf(bins, labels)
  let sum = 0
  for (let bin = 0; bin < 64; bin++) {
    const below = negatives.subarray(0, bin).reduce((all, one) => all + one, 0) + negatives[bin]! / 2
    const above = positives.subarray(bin + 1).reduce((all, one) => all + one, 0) + positives[bin]! / 2
    sum += (below / (n! * p!) - area / p!) ** 2 + (above / (n! * p!) - area / n!) ** 2
  }
  return sum * varianceOf(scale)
}
