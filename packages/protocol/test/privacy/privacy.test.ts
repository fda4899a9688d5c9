import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  gaussianDelta,
  gaussianEpsilon,
  leastOfOrders,
  noiseFor,
  privacyCost,
  renyiEpsilon,
  renyiOfStep,
} from '@sotto/protocol/privacy'
import { transform } from '../../src/privacy/fourier.ts'
import { lossesOfStep } from '../../src/privacy/loss-distribution.ts'
import { erfc, normalCdf } from '../../src/privacy/normal.ts'

const DELTA = 1e-5
const rate = fc.double({ min: 1e-4, max: 1, noNaN: true })
const noise = fc.double({ min: 0.5, max: 20, noNaN: true })

describe('the normal distribution', () => {
  // DLMF table 7.24 and Abramowitz and Stegun, tables 7.1 and 26.1.
  it.each([
    [0.5, 0.4795001221869535],
    [1, 0.15729920705028513],
    [2, 0.004677734981047266],
    [3, 2.209049699858544e-5],
    [5, 1.5374597944280349e-12],
  ])('erfc(%d)', (x, value) => {
    expect(Math.abs(erfc(x) / value - 1)).toBeLessThan(1e-13)
    expect(erfc(-x)).toBeCloseTo(2 - value, 14)
  })

  it('has both its tails', () => {
    expect(normalCdf(0)).toBe(0.5)
    expect(normalCdf(-10) / 7.619853024160527e-24).toBeCloseTo(1, 12)
    expect(normalCdf(40)).toBe(1)
  })
})

describe('a transform', () => {
  it('is undone by its inverse, and multiplies where values are convolved', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
        (left, right) => {
          const vectors = [left, right].map((values) => ({
            re: Float64Array.from([...values, ...Array.from({ length: 8 }, () => 0)]),
            im: new Float64Array(16),
          }))
          for (const vector of vectors) transform(vector, -1)
          const [a, b] = vectors as [(typeof vectors)[0], (typeof vectors)[0]]
          const product = {
            re: a.re.map((x, at) => x * b.re[at]! - a.im[at]! * b.im[at]!),
            im: a.re.map((x, at) => x * b.im[at]! + a.im[at]! * b.re[at]!),
          }
          transform(product, 1)
          for (let at = 0; at < 16; at++) {
            let sum = 0
            for (let i = 0; i < 8; i++) sum += left[i]! * (right[at - i] ?? 0)
            expect(product.re[at]! / 16).toBeCloseTo(sum, 12)
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('the loss of a step', () => {
  it('has all of the probability, and of the other one no more', () => {
    fc.assert(
      fc.property(rate, noise, (q, s) => {
        const grid = 0.01
        for (const { first, mass, infinite } of Object.values(lossesOfStep({ rate: q, noise: s }, grid))) {
          let [all, other] = [infinite, 0]
          for (const [at, share] of mass.entries()) {
            all += share
            other += share * Math.exp(-(first + at) * grid)
          }
          expect(all).toBeCloseTo(1, 10)
          expect(other).toBeLessThanOrEqual(1 + 1e-10)
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('what steps cost', () => {
  // Balle and Wang 2018: at this noise a sensitivity of 1 costs exactly (1, 1e-6).
  it('is exact for a Gaussian alone', () => {
    expect(gaussianEpsilon(4.224678887, 1e-6)).toBeCloseTo(1, 8)
    expect(gaussianDelta(2, gaussianEpsilon(2, DELTA))).toBeCloseTo(DELTA, 15)
    expect(privacyCost([{ rate: 1, noise: 2, steps: 4 }], DELTA)).toEqual({
      epsilon: gaussianEpsilon(1, DELTA),
      delta: DELTA,
      by: 'closed-form',
    })
  })

  it('is what the authors of the sampled mechanism and of two libraries print', () => {
    // TensorFlow Privacy, compute_dp_sgd_privacy_test.py; Opacus, accountants_test.py.
    expect(renyiEpsilon([{ rate: 0.0025, noise: 1.3, steps: 6000 }], 1e-5).epsilon).toBeCloseTo(
      0.7242234026,
      7,
    )
    expect(renyiEpsilon([{ rate: 0.04, noise: 1.5, steps: 2250 }], 1e-5).epsilon).toBeCloseTo(
      7.32911117143,
      6,
    )
    // dp_accounting, rdp_privacy_accountant_test.py: a divergence of 1.1 at every order up to 32.
    const { epsilon, order } = leastOfOrders(
      () => 1.1,
      1e-5,
      Array.from({ length: 31 }, (_, at) => at + 2),
    )
    expect([epsilon, order]).toEqual([expect.closeTo(1.32783806176, 7), 32])
  })

  it('is the same by series and by integral where an order is nearly whole', () => {
    for (const [q, s] of [
      [0.01, 0.7],
      [0.3, 2],
      [1e-4, 5],
    ] as const)
      expect(renyiOfStep(q, s, 4 + 1e-9) / renyiOfStep(q, s, 4)).toBeCloseTo(1, 6)
  })

  it('by the loss is the smaller one, and near to what others find', () => {
    const phases = [{ rate: 0.04, noise: 1.5, steps: 2249 }]
    const cost = privacyCost(phases, DELTA)
    expect(cost.by).toBe('loss')
    expect(cost.epsilon).toBeLessThan(renyiEpsilon(phases, DELTA).epsilon)
    // Opacus' PRV accountant, whose error is 0.01, prints 6.7774.
    expect(cost.epsilon).toBeGreaterThan(6.7574)
    expect(cost.epsilon).toBeLessThan(6.7774)
  })

  it('is the same in one phase and in two, and never less with more steps or less noise', () => {
    const one = privacyCost([{ rate: 0.02, noise: 1, steps: 300 }], DELTA).epsilon
    const two = privacyCost(
      [
        { rate: 0.02, noise: 1, steps: 100 },
        { rate: 0.02, noise: 1, steps: 200 },
      ],
      DELTA,
    ).epsilon
    expect(two).toBeCloseTo(one, 6)
    expect(privacyCost([{ rate: 0.02, noise: 1, steps: 301 }], DELTA).epsilon).toBeGreaterThan(one)
    expect(privacyCost([{ rate: 0.02, noise: 0.99, steps: 300 }], DELTA).epsilon).toBeGreaterThan(one)
    expect(privacyCost([{ rate: 0.021, noise: 1, steps: 300 }], DELTA).epsilon).toBeGreaterThan(one)
  })

  it('tells the least noise that keeps to a budget', () => {
    const found = noiseFor({ rate: 0.01, steps: 100 }, { epsilon: 1, delta: DELTA })
    const cost = (noise: number): number => privacyCost([{ rate: 0.01, noise, steps: 100 }], DELTA).epsilon
    expect(cost(found)).toBeLessThanOrEqual(1)
    expect(cost(found * (1 - 2e-4))).toBeGreaterThan(1)
  })

  it.each([
    ['no rate', [{ rate: 0, noise: 1, steps: 1 }], DELTA],
    ['a rate over one', [{ rate: 1.1, noise: 1, steps: 1 }], DELTA],
    ['a rate that is no number', [{ rate: NaN, noise: 1, steps: 1 }], DELTA],
    ['no noise', [{ rate: 0.1, noise: 0, steps: 1 }], DELTA],
    ['infinite noise', [{ rate: 0.1, noise: Infinity, steps: 1 }], DELTA],
    ['half a step', [{ rate: 0.1, noise: 1, steps: 0.5 }], DELTA],
    ['too many steps', [{ rate: 0.1, noise: 1, steps: 1e8 }], DELTA],
    ['no phases', [], DELTA],
    ['too many phases', Array.from({ length: 65 }, () => ({ rate: 0.1, noise: 1, steps: 1 })), DELTA],
    ['no points', [{ rate: 0.1, noise: 1, steps: 1 }], DELTA, 1000],
    ['no delta', [{ rate: 0.1, noise: 1, steps: 1 }], 0],
    ['a delta that is everything', [{ rate: 0.1, noise: 1, steps: 1 }], 1],
  ])('is not stated for %s', (_, phases, delta, points = 2 ** 14) => {
    expect(() => privacyCost(phases, delta, points)).toThrow(
      expect.objectContaining({ code: 'PRIVACY_BOUNDS' }),
    )
  })
})
