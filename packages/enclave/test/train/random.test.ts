import { describe, expect, it } from 'vitest'
import { Chance } from '../../src/train/index.ts'
import { addExactNoise } from '../../src/train/noise/add-exact-noise.ts'
import { addNoise } from '../../src/train/noise/add-noise.ts'
import { clipWithin, gridOf } from '../../src/train/noise/grid.ts'
import { fillNormal } from '../../src/train/random/normal.ts'
import { PoissonSampler } from '../../src/train/random/poisson.ts'
import { choose, coin, ShuffledRows } from '../../src/train/random/sample.ts'

const chance = new Chance(new Uint8Array(32).fill(1))

describe('streams of a run', () => {
  it('are the bits of AES-256 in counter mode, at a place', () => {
    const words = (purpose: 'noise' | 'sample', step: number, part?: number): number[] => {
      const stream = chance.stream(purpose, step, part)
      return [stream.word(), stream.word()]
    }
    // As OpenSSL computes them. They must stay what they are: a resumed run draws them again.
    expect(words('noise', 0)).toEqual([2_965_992_827, 3_523_385_607])
    expect(words('noise', 0)).toEqual(words('noise', 0))
    const all = [words('noise', 0), words('sample', 0), words('noise', 1), words('noise', 0, 1)]
    expect(new Set(all.map(String)).size).toBe(4)
  })

  it('go on past a block', () => {
    const stream = chance.stream('noise', 5)
    const words = Array.from({ length: 40_000 }, () => stream.word())
    expect(new Set(words).size).toBeGreaterThan(39_990)
  })

  it('refuse places and secrets out of bounds', () => {
    const code = 'ROOM_TRAIN_SETTINGS'
    expect(() => chance.stream('noise', -1)).toThrow(expect.objectContaining({ code }))
    expect(() => chance.stream('noise', 2 ** 32)).toThrow(expect.objectContaining({ code }))
    expect(() => new Chance(new Uint8Array(31))).toThrow(expect.objectContaining({ code }))
  })
})

describe('samples', () => {
  it('have each unit with the probability of the rate', () => {
    const counts = new Float64Array(50)
    let total = 0
    const sampler = new PoissonSampler(200_000_000)
    for (let step = 0; step < 4000; step++)
      for (const unit of sampler.sample(chance.stream('sample', step), 50)) {
        counts[unit]! += 1
        total++
      }
    // Five standard deviations.
    expect(Math.abs(total - 40_000)).toBeLessThan(5 * Math.sqrt(200_000 * 0.2 * 0.8))
    for (const count of counts) expect(Math.abs(count - 800)).toBeLessThan(5 * Math.sqrt(4000 * 0.2 * 0.8))
  })

  it('have all of them at a rate of 1, and none of none', () => {
    expect([...new PoissonSampler(1_000_000_000).sample(chance.stream('sample', 0), 5)]).toEqual([
      0, 1, 2, 3, 4,
    ])
    expect(new PoissonSampler(5).sample(chance.stream('sample', 0), 0)).toHaveLength(0)
  })

  it('have gaps of the very probabilities, and each unit that of the rate whatever came before', () => {
    for (const nanos of [1_000_000, 3_000_000, 250_000_000, 700_000_000]) {
      const rate = nanos / 1e9
      const sampler = new PoissonSampler(nanos)
      const units = 400_000
      const sample = sampler.sample(chance.stream('sample', nanos % 1009), units)
      const expected = units * rate
      expect(Math.abs(sample.length - expected)).toBeLessThan(5 * Math.sqrt(expected * (1 - rate)))
      // A quarter of all gaps each, by the distribution of a gap.
      const gaps = Array.from(sample, (unit, at) => unit - (at === 0 ? -1 : sample[at - 1]!) - 1)
      for (const quantile of [0.25, 0.5, 0.75]) {
        const most = Math.floor(Math.log1p(-quantile) / Math.log1p(-rate))
        const within = 1 - (1 - rate) ** (most + 1)
        const found = gaps.filter((gap) => gap <= most).length
        const error = Math.sqrt(gaps.length * within * (1 - within))
        expect(Math.abs(found - gaps.length * within)).toBeLessThan(5 * error + 1e-9)
      }
      // After a unit that is in, the next one is as often as any.
      const pairs = gaps.filter((gap) => gap === 0).length
      expect(Math.abs(pairs - gaps.length * rate)).toBeLessThan(5 * Math.sqrt(gaps.length * rate))
    }
  })

  it('have the probability of gaps to the last of 96 bits', () => {
    /** The first unit of a sample that is drawn with these words. */
    const firstOf = (nanos: number, words: readonly number[]): number => {
      const stream = chance.stream('sample', 0)
      let at = 0
      stream.word = () => words[at++] ?? 0
      return new PoissonSampler(nanos).sample(stream, 1_000_000)[0]!
    }
    for (const nanos of [1, 999, 1_000_003, 333_333_333]) {
      // The rate is one less multiple of 2^-56; gaps are those of so many units that are not in.
      const rate = (BigInt(nanos) << 56n) / 1_000_000_000n - 1n
      for (const gap of [0, 1, 2, 5]) {
        let out = 1n << 400n
        for (let unit = 0; unit <= gap; unit++) out = (out * ((1n << 56n) - rate)) >> 56n
        const bound = ((1n << 400n) - out) >> 304n
        const wordsOf = (value: bigint): number[] =>
          [64n, 32n, 0n].map((bits) => Number((value >> bits) & 0xffff_ffffn))
        expect(firstOf(nanos, wordsOf(bound - 1n))).toBe(gap)
        expect(firstOf(nanos, wordsOf(bound))).toBe(gap + 1)
      }
    }
  })

  it('are those of any table of gaps, however far the next unit is', () => {
    // A millionth of 20 millions; a table has 4096.
    const stream = chance.stream('sample', 3)
    const sample = new PoissonSampler(1000).sample(stream, 20_000_000)
    expect(Math.abs(sample.length - 20)).toBeLessThan(5 * Math.sqrt(20))
    expect([...sample].toSorted((a, b) => a - b)).toEqual([...sample])
  })

  it('have the probability to the last of its bits', () => {
    /** A stream of these bytes. */
    const coinOf = (nanos: number, ...bytes: number[]): boolean => {
      const stream = chance.stream('sample', 0)
      let at = 0
      stream.byte = () => bytes[at++]!
      return coin(stream, nanos)()
    }
    // A quarter is the byte 64 and six of 0.
    expect(coinOf(250_000_000, 63)).toBe(true)
    expect(coinOf(250_000_000, 65)).toBe(false)
    expect(coinOf(250_000_000, 64, 0, 0, 0, 0, 0, 0)).toBe(false)
    // A billionth is 72057594 of 2^56: the bytes 4, 75, 130, 250 at the end.
    expect(coinOf(1, 0, 0, 0, 4, 75, 130, 249)).toBe(true)
    expect(coinOf(1, 0, 0, 0, 4, 75, 130, 250)).toBe(false)
    expect(coinOf(1, 0, 0, 0, 4, 76)).toBe(false)
    expect(coinOf(1_000_000_000)).toBe(true)
    expect(coinOf(0, 0, 0, 0, 0, 0, 0, 0)).toBe(false)
  })

  it('choose each of the rows as often', () => {
    const counts = new Float64Array(6)
    for (let step = 0; step < 6000; step++) {
      const chosen = choose(chance.stream('sample', step), Uint32Array.of(0, 1, 2, 3, 4, 5), 2)
      expect(new Set(chosen).size).toBe(2)
      for (const one of chosen) counts[one]! += 1
    }
    for (const count of counts)
      expect(Math.abs(count - 2000)).toBeLessThan(5 * Math.sqrt(6000 * (1 / 3) * (2 / 3)))
  })

  it('of shuffled rows go through all of them, whatever step is asked for first', () => {
    const of = { chance, part: 0, rows: 30, total: 70, expected: 13 }
    const rows = new ShuffledRows(of)
    const steps = Array.from({ length: 70 }, (_, step) => [...rows.at(step)])
    const all = steps.flat()
    // 70 steps of 13 rows are 13 passes, of which this input has 30 rows each.
    expect(all).toHaveLength(30 * 13)
    for (let pass = 0; pass < 13; pass++) expect(new Set(all.slice(pass * 30, pass * 30 + 30)).size).toBe(30)
    expect(all.slice(0, 30)).not.toEqual(all.slice(30, 60))
    expect([...new ShuffledRows(of).at(41)]).toEqual(steps[41])
  })
})

describe('noise', () => {
  it('is normally distributed', () => {
    const values = new Float64Array(200_001)
    fillNormal(chance.stream('noise', 0), values)
    const moment = (power: number): number =>
      values.reduce((sum, one) => sum + one ** power, 0) / values.length
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const)
      expect(Math.abs(moment(power) - expected)).toBeLessThan(5 * Math.sqrt(variance / values.length))
    // Parts within, between and past the layers, and in the tail, which begins at 3.44.
    for (const [most, part] of [
      [0.1, 0.079_655_675],
      [1, 0.682_689_492],
      [2, 0.954_499_736],
      [3.442_619_855_899, 0.999_423_870],
    ] as const) {
      const inside = values.filter((one) => Math.abs(one) < most).length
      const error = Math.sqrt(values.length * part * (1 - part))
      expect(Math.abs(inside - values.length * part)).toBeLessThan(5 * error)
    }
    expect(values.every(Number.isFinite)).toBe(true)
  })

  it('lies on a grid with the sum that it is added to, exactly', () => {
    for (const add of [addNoise, addExactNoise]) {
      const sums = [Float64Array.from({ length: 40 }, (_, at) => at / 7 - 3), Float64Array.of(1e-30)]
      add(sums, 1.3, chance.stream('noise', 3))
      const grid = gridOf(1.3)
      expect(grid).toBe(2 ** -24)
      for (const values of sums) for (const value of values) expect(Number.isInteger(value / grid)).toBe(true)
    }
  })

  it('has a grid of the deviation', () => {
    expect(gridOf(1)).toBe(2 ** -24)
    expect(gridOf(1.999_999_999_999_999_8)).toBe(2 ** -24)
    expect(gridOf(2)).toBe(2 ** -23)
    expect(gridOf(0.24)).toBe(2 ** -27)
  })

  it('leaves the graph a clip with room for rounding', () => {
    const clip = clipWithin({ clip: 1, noise: 1, parameters: 1_000_000, maxRowsPerUnit: 1 })!
    expect(clip).toBeCloseTo(1 - 2 ** -10 - 1000 * 2 ** -24, 12)
    expect(clipWithin({ clip: 1, noise: 1, parameters: 1_000_000, maxRowsPerUnit: 4 })).toBeCloseTo(
      clip / 4,
      12,
    )
    expect(clipWithin({ clip: 1, noise: 1e6, parameters: 1_000_000, maxRowsPerUnit: 1 })).toBeUndefined()
  })
})
