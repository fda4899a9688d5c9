import { describe, expect, it } from 'vitest'
import { joinScored, measure } from '../../src/train/index.ts'
import { accuracyOf, aucOf, lossOf } from '../../src/train/evaluate/figures.ts'

const f = (...values: number[]): Float32Array => Float32Array.from(values)

describe('figures', () => {
  it('of two classes are those of their definitions', () => {
    const scores = f(2, -1, 0.5, -3)
    const labels = f(1, 1, 0, 0)
    const p = [...scores].map((z) => 1 / (1 + Math.exp(-z)))
    const expected = -(Math.log(p[0]!) + Math.log(p[1]!) + Math.log(1 - p[2]!) + Math.log(1 - p[3]!)) / 4
    expect(lossOf('two', scores, labels)).toBeCloseTo(expected, 12)
    expect(accuracyOf('two', scores, labels)).toBe(0.5)
    // Pairs (2 over .5), (2 over -3), (-1 over -3); (-1 under .5).
    expect(aucOf(scores, labels)).toBe(0.75)
  })

  it('of two classes count equal scores half, and overflow with none', () => {
    expect(aucOf(f(1, 1, 1, 0), f(1, 0, 0, 0))).toBeCloseTo((0.5 + 0.5 + 1) / 3, 12)
    expect(aucOf(f(3, 3, 3), f(1, 0, 1))).toBe(0.5)
    expect(lossOf('two', f(1e30, -1e30), f(1, 1))).toBeCloseTo(5e29, -25)
  })

  it('of more classes and of numbers are those of their definitions', () => {
    const scores = f(1, 2, 3, 1000, 0, 0)
    const expected = -Math.log(Math.exp(2) / (Math.exp(1) + Math.exp(2) + Math.exp(3))) / 2
    expect(lossOf('many', scores, f(1, 0))).toBeCloseTo(expected, 12)
    expect(accuracyOf('many', scores, f(1, 0))).toBe(0.5)
    expect(lossOf('number', f(1, 2), f(0, 4))).toBe(2.5)
  })

  it('are a document of whole numbers, of what there is a figure of', () => {
    const scored = joinScored([
      { scores: f(2, -1), labels: f(1, 1) },
      { scores: f(0.5, -3), labels: f(0, 0) },
    ])
    expect(measure('two', 'validation', ['accuracy', 'auc'], scored)).toEqual([
      { metric: 'accuracy', split: 'validation', valueMicros: 500_000 },
      { metric: 'auc', split: 'validation', valueMicros: 750_000 },
    ])
    expect(measure('number', 'train', ['loss', 'accuracy', 'auc'], { scores: f(1), labels: f(0) })).toEqual([
      { metric: 'loss', split: 'train', valueMicros: 1_000_000 },
    ])
  })

  it.each([
    ['no rows', f(), f(), 'ROOM_TRAIN_EMPTY'],
    ['one class', f(1, 2), f(1, 1), 'ROOM_TRAIN_ONE_CLASS'],
    ['a score that is no number', f(NaN, 2), f(1, 0), 'ROOM_TRAIN_NOT_FINITE'],
  ])('are refused of %s', (_, scores, labels, code) => {
    expect(() => aucOf(scores, labels)).toThrow(expect.objectContaining({ code }))
  })
})
