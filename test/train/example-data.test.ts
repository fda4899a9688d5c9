import { describe, expect, it } from 'vitest'

const EXAMPLES = '../../examples/training'
type Row = Record<string, string | number | boolean>
type Feature = { column: string; min: number; max: number } | { column: string; values: string[] }

const { areaUnderCurve } = (await import(`${EXAMPLES}/driver/auc.mjs`)) as {
  areaUnderCurve(scores: readonly number[], labels: readonly boolean[]): number
}
const { placesOf, trainAlone } = (await import(`${EXAMPLES}/driver/alone.mjs`)) as {
  placesOf(row: Row, features: readonly Feature[]): number[]
  trainAlone(rows: readonly Row[], features: readonly Feature[], label: string): (row: Row) => number
}

describe('the area under the curve', () => {
  it.each<[scores: number[], labels: boolean[], area: number]>([
    [[1, 2, 3, 4], [false, false, true, true], 1],
    [[1, 2, 3, 4], [true, true, false, false], 0],
    [[1, 2, 3, 4], [false, true, false, true], 0.75],
    [[5, 5, 5, 5], [true, false, true, false], 0.5],
    [[1, 2, 2, 3], [false, false, true, true], 0.875],
  ])('of scores %j of %j is %d', (scores, labels, area) => {
    expect(areaUnderCurve(scores, labels)).toBe(area)
  })
})

describe('training without a room', () => {
  const features: Feature[] = [
    { column: 'amount', min: 0, max: 10 },
    { column: 'kind', values: ['a', 'b'] },
  ]

  it('sees numbers within their bounds, and values by their place', () => {
    expect(placesOf({ amount: 5, kind: 'b' }, features)).toEqual([0, 0, 1])
    expect(placesOf({ amount: 99, kind: 'c' }, features)).toEqual([1, 0, 0])
  })

  it('learns what tells rows apart', () => {
    const rows = Array.from({ length: 40 }, (_, at) => ({ amount: at % 11, kind: 'a', high: at % 11 > 5 }))
    const score = trainAlone(rows, features, 'high')
    expect(score({ amount: 9, kind: 'a' })).toBeGreaterThan(0)
    expect(score({ amount: 1, kind: 'a' })).toBeLessThan(0)
  })
})

describe.each([
  ['banks', 3000],
  ['diagnosis', 1500],
  ['faces', 3000],
])('data of %s', (name, rows) => {
  it('are the same for the same seed, others for another, and as many as were asked for', async () => {
    const { generate } = (await import(`${EXAMPLES}/${name}/data.mjs`)) as {
      generate(options: { rows: number; seed: string }): object
    }
    const made = (seed: string, more = 0) => JSON.stringify(generate({ rows: rows + more, seed }))
    expect(made('1')).toBe(made('1'))
    expect(made('2')).not.toBe(made('1'))
    expect(made('1', rows).length).toBeGreaterThan(made('1').length * 1.5)
  })
})
