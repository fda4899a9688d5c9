import { describe, expect, it } from 'vitest'
import { sampleDiscreteLaplace } from '../../src/noise/index.ts'
import { seededBytes } from './seeded.ts'

const DRAWS = 20_000

describe('discrete Laplace noise', () => {
  it.each([
    ['3', { numerator: 3n, denominator: 1n }],
    ['1/2', { numerator: 1n, denominator: 2n }],
    ['7/3', { numerator: 7n, denominator: 3n }],
  ])('has its probabilities, of scale %s', (name, scale) => {
    const random = seededBytes(name)
    const counts = new Map<number, number>()
    for (let at = 0; at < DRAWS; at++) {
      const drawn = Number(sampleDiscreteLaplace(scale, random))
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1)
    }
    const ratio = Math.exp(-Number(scale.denominator) / Number(scale.numerator))
    for (let x = -4; x <= 4; x++) {
      const expected = (DRAWS * (1 - ratio) * ratio ** Math.abs(x)) / (1 + ratio)
      // Five standard deviations.
      expect(Math.abs((counts.get(x) ?? 0) - expected)).toBeLessThan(5 * Math.sqrt(expected) + 1)
    }
  })

  it('takes scales of any size', () => {
    const scale = { numerator: 10n ** 30n, denominator: 7n }
    const drawn = sampleDiscreteLaplace(scale, seededBytes('large'))
    expect(drawn).not.toBe(0n)
    expect(drawn < 10n ** 32n && drawn > -(10n ** 32n)).toBe(true)
  })

  it('refuses a scale of zero', () => {
    expect(() => sampleDiscreteLaplace({ numerator: 0n, denominator: 1n })).toThrow(RangeError)
  })
})
