import { describe, expect, it } from 'vitest'
import {
  charged,
  chargesOf,
  noiseMicrosFor,
  priceOf,
  provenEpsilonMicros,
  remaining,
  requireProvenPrivacy,
} from '@sotto/protocol/contract'
import { banks, PRIVACY, training } from './trainings.ts'

describe('what a training costs', () => {
  const charges = chargesOf(banks(), 'learn')

  it('is charged to what is trained on, and to nobody else', () => {
    const { epsilonMicros, deltaTrillionths } = PRIVACY
    expect(charges).toEqual([
      { input: 'north', transform: 'learn', runs: 1, epsilonMicros, deltaTrillionths },
      { input: 'south', transform: 'learn', runs: 1, epsilonMicros, deltaTrillionths },
      { input: 'public', transform: 'learn', runs: 1 },
      { input: 'new', transform: 'learn', runs: 1 },
    ])
  })

  it('adds figures with noise to a table that is divided', () => {
    const task = training((one) => {
      one.validation = { splitNanos: 1 }
      one.metricsEpsilonMicros = 7
    })
    expect(priceOf(task, 'north')).toEqual({
      epsilonMicros: PRIVACY.epsilonMicros + 7,
      deltaTrillionths: PRIVACY.deltaTrillionths,
    })
    const apart = training((one) => {
      one.metricsEpsilonMicros = 7
    })
    expect(priceOf(apart, 'public')).toEqual({ epsilonMicros: 7 })
  })

  it('ends when either budget does', () => {
    const twice = charged(banks(), charged(banks(), [], charges), charges)
    expect(remaining(banks(), twice)[0]).toMatchObject({ runs: 0, deltaTrillionths: 30_000_000 })
    expect(() => charged(banks(), twice, charges)).toThrowError(/budget of north for learn/)
    const small = banks(training(), (one) => {
      for (const input of one.inputs)
        for (const use of input.uses) if (use.deltaTrillionths) use.deltaTrillionths = 19_999_999
    })
    const once = charged(small, [], charges)
    expect(() => charged(small, once, charges)).toThrowError(
      expect.objectContaining({
        code: 'CONTRACT_BUDGET',
        expected: 'delta of at most 19999999 trillionths',
        found: '20000000 trillionths',
      }),
    )
  })
})

describe('what a guarantee costs', () => {
  it('is at least what an accountant proves', () => {
    expect(() => requireProvenPrivacy(banks())).not.toThrow()
    const cheap = training(
      (task) => (task.privacy!.epsilonMicros = provenEpsilonMicros(PRIVACY, { steps: 200 }) - 1),
    )
    expect(() => requireProvenPrivacy(banks(cheap))).toThrowError(
      expect.objectContaining({ code: 'CONTRACT_PRIVACY', action: 'fix-input' }),
    )
    const longer = training((task) => (task.descent!.steps = 201))
    expect(() => requireProvenPrivacy(banks(longer))).toThrowError(
      expect.objectContaining({ code: 'CONTRACT_PRIVACY' }),
    )
  })

  it('of discrete noise is what Rényi divergence bounds', () => {
    const all = { ...PRIVACY, sampleRateNanos: 1_000_000_000, noiseMicros: 20_000_000 }
    const gaussian = provenEpsilonMicros(all, { steps: 100 })
    expect(provenEpsilonMicros({ ...all, noise: 'discrete' }, { steps: 100 })).toBeGreaterThan(gaussian)
  })

  it.each([
    [3_000_000, 10_000_000, 200],
    [500_000, 1_000_000_000, 20],
  ])('is what the noise for %i millionths was chosen for', (epsilonMicros, sampleRateNanos, steps) => {
    const asked = { ...PRIVACY, epsilonMicros, sampleRateNanos }
    const noiseMicros = noiseMicrosFor(asked, { steps })
    expect(provenEpsilonMicros({ ...asked, noiseMicros }, { steps })).toBeLessThan(epsilonMicros)
    const less = { ...asked, noiseMicros: Math.floor(noiseMicros * 0.999) }
    expect(provenEpsilonMicros(less, { steps })).toBeGreaterThan(epsilonMicros - 1)
  })
})
