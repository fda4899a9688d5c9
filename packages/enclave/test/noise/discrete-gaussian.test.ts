import { describe, expect, it } from 'vitest'
import { sampleDiscreteGaussian } from '../../src/noise/index.ts'
import { seededBytes } from './seeded.ts'

const DRAWS = 20_000

describe('discrete Gaussian noise', () => {
  it.each([
    ['4', { numerator: 4n, denominator: 1n }],
    ['1/3', { numerator: 1n, denominator: 3n }],
    ['31/4', { numerator: 31n, denominator: 4n }],
  ])('has its probabilities, of variance %s', (name, variance) => {
    const random = seededBytes(name)
    const counts = new Map<number, number>()
    for (let at = 0; at < DRAWS; at++) {
      const drawn = Number(sampleDiscreteGaussian(variance, random))
      counts.set(drawn, (counts.get(drawn) ?? 0) + 1)
    }
    const weight = (x: number): number =>
      Math.exp((-x * x * Number(variance.denominator)) / (2 * Number(variance.numerator)))
    let total = 0
    for (let x = -60; x <= 60; x++) total += weight(x)
    for (let x = -6; x <= 6; x++) {
      const expected = (DRAWS * weight(x)) / total
      // Five standard deviations.
      expect(Math.abs((counts.get(x) ?? 0) - expected)).toBeLessThan(5 * Math.sqrt(expected) + 1)
    }
  })

  it('takes variances of any size', () => {
    const drawn = sampleDiscreteGaussian({ numerator: 10n ** 60n, denominator: 7n }, seededBytes('large'))
    expect(drawn).not.toBe(0n)
    expect(drawn < 10n ** 31n && drawn > -(10n ** 31n)).toBe(true)
  })

  it('refuses a variance of zero', () => {
    expect(() => sampleDiscreteGaussian({ numerator: 0n, denominator: 1n })).toThrow(RangeError)
  })
})
