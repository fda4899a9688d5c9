import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decimalOf, deltaOf, epsilonOf, privacyOf } from '../../src/words/en/amounts.ts'

describe('amounts', () => {
  it('are shown exactly', () => {
    expect([1, 500_000, 2_000_000, 1_000_001, 0].map(epsilonOf)).toEqual([
      '0.000001',
      '0.5',
      '2',
      '1.000001',
      '0',
    ])
    expect(decimalOf(-150, 2)).toBe('-1.5')
    expect(decimalOf(-5, 2)).toBe('-0.05')
    expect(decimalOf(120, 0)).toBe('120')
  })

  it('are different for different numbers of units, and give them back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.nat({ max: 9 }), (units, places) => {
        const [whole = '', fraction = ''] = decimalOf(units, places).split('.')
        expect(BigInt(`${whole}${fraction.padEnd(places, '0')}`)).toBe(BigInt(units))
      }),
    )
  })
})

describe('privacy', () => {
  it('is an epsilon, with its delta where it has one', () => {
    expect(privacyOf({ epsilonMicros: 3_000_000, deltaTrillionths: 10_000_000 })).toBe(
      'epsilon 3 at delta 1e-5',
    )
    expect(privacyOf({ epsilonMicros: 500_000 })).toBe('epsilon 0.5')
    expect(privacyOf({})).toBeUndefined()
  })

  it.each([
    [0, '0'],
    [1, '1e-12'],
    [10_000_000, '1e-5'],
    [12_345_678, '1.2345678e-5'],
    [100_000_000_000, '1e-1'],
    [1_000_000_000_000, '1'],
  ])('shows %i trillionths of delta as %s', (trillionths, shown) => {
    expect(deltaOf(trillionths)).toBe(shown)
    expect(Math.round(Number(shown) * 1e12)).toBe(trillionths)
  })
})
