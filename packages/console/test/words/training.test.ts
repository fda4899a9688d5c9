import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { roomTraining } from '../../src/words/en/room-training.ts'

/** The factor that parties read. */
function factorIn(epsilonMicros: number): number {
  return Number(/at most (\S+) times/.exec(roomTraining.means({ epsilonMicros }))![1])
}

describe('what an epsilon means', () => {
  it.each([
    [1_000_000, 2.72],
    [5_000_000, 149],
    [14_000_000, 1_210_000],
  ])('is a factor that is rounded up: of %s millionths', (epsilonMicros, factor) => {
    expect(factorIn(epsilonMicros)).toBe(factor)
  })

  it('property: is never less than the guarantee', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000_000 }), (epsilonMicros) => {
        const factor = Math.exp(epsilonMicros / 1e6)
        expect(factorIn(epsilonMicros)).toBeGreaterThanOrEqual(factor)
        expect(factorIn(epsilonMicros)).toBeLessThanOrEqual(factor * 1.011)
      }),
    )
  })
})
