import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Charge,
  charged,
  chargesOf,
  type Contract,
  remaining,
  type Spent,
} from '@sotto/protocol/contract'
import { bankAndRetailer, changedBy, everything, NOISE, output, sql, transform, uses } from './contracts.ts'

const refusal: unknown = expect.objectContaining({ code: 'CONTRACT_BUDGET', action: 'stop' })
const MOST = 2_000_000

/** Customers with a budget of 100 runs for one query, and of 2.0 in all for another. */
const contract = bankAndRetailer()
const offers: Charge = { input: 'customers', transform: 'offers', runs: 1 }
const spending = (epsilonMicros: number): Charge => ({
  input: 'customers',
  transform: 'spending',
  runs: 1,
  epsilonMicros,
})
const anyCharge: fc.Arbitrary<Charge> = fc.oneof(
  fc.constant(offers),
  fc.constant<Charge>({ input: 'purchases', transform: 'offers', runs: 1 }),
  fc.integer({ min: 1, max: 300_000 }).map(spending),
)

/** The same ledger is the same rows, in whatever order. */
const rowsOf = (ledger: readonly Spent[]): Spent[] =>
  ledger.toSorted((a, b) => (`${a.input} ${a.transform}` < `${b.input} ${b.transform}` ? -1 : 1))

/** The ledger after each charge that still fits, one by one. */
function fill(charges: readonly Charge[]): { ledger: readonly Spent[]; taken: Charge[] } {
  let ledger: readonly Spent[] = []
  const taken: Charge[] = []
  for (const charge of charges) {
    try {
      ledger = charged(contract, ledger, [charge])
      taken.push(charge)
    } catch (error) {
      expect(error).toEqual(refusal)
    }
  }
  return { ledger, taken }
}

describe('a ledger', () => {
  it('is exact in any order and any grouping', () => {
    const cut = fc.array(anyCharge, { maxLength: 40 }).chain((all) => {
      const { taken } = fill(all)
      const { length } = taken
      return fc.tuple(
        fc.shuffledSubarray(taken, { minLength: length, maxLength: length }),
        fc.nat({ max: length }),
      )
    })
    fc.assert(
      fc.property(cut, ([charges, at]) => {
        const whole = charged(contract, [], charges)
        const parts = charged(contract, charged(contract, [], charges.slice(0, at)), charges.slice(at))
        expect(rowsOf(parts)).toEqual(rowsOf(whole))
        const sum = charges.reduce((all, { epsilonMicros = 0 }) => all + epsilonMicros, 0)
        expect(whole.reduce((all, { epsilonMicros }) => all + epsilonMicros, 0)).toBe(sum)
        expect(whole.reduce((all, { runs }) => all + runs, 0)).toBe(charges.length)
      }),
    )
  })

  it('never exceeds a budget, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(anyCharge, { maxLength: 250 }), (charges) => {
        const { ledger } = fill(charges)
        for (const { runs, epsilonMicros = 0 } of remaining(contract, ledger)) {
          expect(runs).toBeGreaterThanOrEqual(0)
          expect(epsilonMicros).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  it('takes all of several charges or none', () => {
    fc.assert(
      fc.property(fc.array(anyCharge, { maxLength: 20 }), fc.nat({ max: 20 }), (charges, at) => {
        const { ledger, taken } = fill(charges)
        const before = structuredClone(ledger)
        const tooMuch = taken.toSpliced(at, 0, spending(MOST + 1))
        expect(() => charged(contract, ledger, tooMuch)).toThrow(refusal)
        expect(ledger).toEqual(before)
      }),
    )
  })

  it('ten-thousand-queries: small charges add up, to the last millionth', () => {
    let ledger: readonly Spent[] = []
    const patient = changedBy(contract, (one) => (one.inputs[0]!.uses[1]!.runs = 1_000_000))
    for (let n = 0; n < 10_000; n++) ledger = charged(patient, ledger, [spending(200)])
    expect(ledger).toEqual([{ input: 'customers', transform: 'spending', runs: 10_000, epsilonMicros: MOST }])
    expect(() => charged(patient, ledger, [spending(1)])).toThrow(refusal)
  })

  it('last-run: the last run is allowed, and none after it', () => {
    const hundred = Array.from({ length: 100 }, () => offers)
    const ledger = charged(contract, [], hundred)
    expect(() => charged(contract, ledger, [offers])).toThrow(refusal)
    expect(() => charged(contract, [], [...hundred, offers])).toThrow(refusal)
    expect(remaining(contract, ledger)[0]).toEqual({ input: 'customers', transform: 'offers', runs: 0 })
  })

  it('overflow: a sum past all integers is refused, and not rounded', () => {
    const near = spending(Number.MAX_SAFE_INTEGER)
    expect(() => charged(contract, [], [near])).toThrow(refusal)
    expect(() => charged(contract, [], [spending(MOST), near])).toThrow(refusal)
  })

  it('refund: a charge that gives something back, or is no whole number, is refused', () => {
    for (const wrong of [-1, 0.5, Number.NaN, Infinity, 2 ** 53, '1']) {
      expect(() => charged(contract, [], [spending(wrong as number)]), `${wrong}`).toThrow(TypeError)
      expect(() => charged(contract, [], [{ ...offers, runs: wrong as 1 }]), `${wrong}`).toThrow(TypeError)
      const ledger = [{ ...offers, runs: wrong as number, epsilonMicros: 0 }]
      expect(() => charged(contract, ledger, [offers]), `${wrong}`).toThrow(TypeError)
    }
  })

  it('edge-twice: a ledger that counts an edge in two places is refused', () => {
    const row = { ...offers, runs: 99, epsilonMicros: 0 }
    expect(() => charged(contract, [row, { ...row, runs: 1 }], [offers])).toThrow(TypeError)
  })

  it('unpaid-noise: noise on an edge without a budget of it is refused', () => {
    expect(() => charged(contract, [], [{ ...offers, epsilonMicros: 1 }])).toThrow(refusal)
  })

  it('unknown-edge: what the contract does not name has no budget', () => {
    for (const wrong of [{ input: 'others' }, { transform: 'others' }, { input: '__proto__' }])
      expect(() => charged(contract, [], [{ ...offers, ...wrong }])).toThrow(refusal)
  })

  it('says of every edge what is left', () => {
    const ledger = charged(contract, [], [offers, spending(500_000)])
    expect(remaining(contract, ledger)).toEqual([
      { input: 'customers', transform: 'offers', runs: 99 },
      { input: 'customers', transform: 'spending', runs: 99, epsilonMicros: 1_500_000 },
      { input: 'purchases', transform: 'offers', runs: 100 },
      { input: 'purchases', transform: 'spending', runs: 100 },
    ])
  })
})

describe('what a run costs', () => {
  it('is a run on each edge, and noise where the use has a budget of it', () => {
    expect(chargesOf(contract, 'offers')).toEqual([offers, { ...offers, input: 'purchases' }])
    expect(chargesOf(contract, 'spending')).toEqual([
      spending(NOISE.epsilonMicros),
      { input: 'purchases', transform: 'spending', runs: 1 },
    ])
  })

  it('middle-noise: has the noise of a step in the middle, on the edges of that step', () => {
    const charges = chargesOf(everything(), 'packed')
    const noisy = charges.filter(({ epsilonMicros }) => epsilonMicros !== undefined)
    expect(noisy).toEqual([
      { input: 'people', transform: 'counts', runs: 1, epsilonMicros: NOISE.epsilonMicros },
    ])
    expect(charges).toHaveLength(1 + 2 + 4 + 5)
  })

  it('distant-noise: has noise for an input that reaches it through others, if its owner counts it', () => {
    const chain = changedBy(bankAndRetailer(), (one: Contract) => {
      one.transforms = [
        transform('offers', ['customers', 'purchases'], sql()),
        transform('spending', ['offers'], sql({ noise: NOISE })),
      ]
      one.inputs[1]!.uses = uses('offers', 'spending')
      one.outputs = [output('spent', 'spending', ['bank'])]
    })
    expect(chargesOf(chain, 'spending')).toContainEqual(spending(NOISE.epsilonMicros))
    expect(chargesOf(chain, 'spending')).toContainEqual({
      input: 'purchases',
      transform: 'spending',
      runs: 1,
    })
  })

  it('side-door: is counted on the same edges, whichever transform is asked for', () => {
    const one = everything()
    const charges = ['counts', 'packed'].flatMap((name) => chargesOf(one, name))
    const ledger = charged(one, [], charges)
    expect(ledger.find(({ transform: to }) => to === 'counts')).toEqual({
      input: 'people',
      transform: 'counts',
      runs: 2,
      epsilonMicros: 2 * NOISE.epsilonMicros,
    })
  })

  it('diamond: is one run of a step that two others read', () => {
    const diamond = changedBy(bankAndRetailer(), (one: Contract) => {
      one.transforms = [
        transform('base', ['customers'], sql()),
        transform('left', ['base'], sql()),
        transform('right', ['base'], sql()),
        transform('offers', ['left', 'right'], sql()),
      ]
    })
    expect(chargesOf(diamond, 'offers').map(({ transform: to }) => to)).toEqual([
      'base',
      'left',
      'right',
      'offers',
    ])
  })

  it('always fits at least once', () => {
    for (const one of [bankAndRetailer(), everything()])
      for (const { name } of one.transforms)
        expect(charged(one, [], chargesOf(one, name)).length).toBeGreaterThan(0)
  })
})
