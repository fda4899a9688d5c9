import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { riskOf } from '../../src/training/model-card.ts'

/** The factor that a card promises. */
function promised(epsilonMicros: number): number {
  const { mitigationStrategy } = riskOf({ steps: 1, epsilonMicros, deltaTrillionths: 10_000_000 })
  return Number(/more than (\S+) times/.exec(mitigationStrategy)![1])
}

describe('the factor of a model card', () => {
  it.each([
    [1_000_000, 2.72],
    [5_000_000, 148.42],
    [14_000_000, 1_300_000],
  ])('is rounded up: of %s millionths', (epsilonMicros, factor) => {
    expect(promised(epsilonMicros)).toBe(factor)
  })

  it('property: promises no more than the guarantee holds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000 }), (epsilonMicros) => {
        const factor = Math.exp(epsilonMicros / 1e6)
        expect(promised(epsilonMicros)).toBeGreaterThanOrEqual(factor)
        expect(promised(epsilonMicros)).toBeLessThanOrEqual(factor * 1.11 + 0.01)
      }),
    )
  })
})
