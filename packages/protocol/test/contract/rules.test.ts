import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DerivedRules, joinRules, type Rules } from '@sotto/protocol/contract'
import { rules } from './contracts.ts'

const PARTIES = ['bank', 'clinic', 'retailer', 'state']
const anyRules: fc.Arbitrary<Rules> = fc
  .record({
    receivers: fc.subarray(PARTIES),
    forbidden: fc.uniqueArray(fc.constantFrom('iban', 'IBAN', 'name', 'Name', 'born'), {
      selector: (column) => column.toLowerCase(),
    }),
    minContributors: fc.integer({ min: 1, max: 100 }),
    noisy: fc.boolean(),
    review: fc.boolean(),
    maxCommonWords: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
  })
  .map(({ maxCommonWords, ...rest }) => ({
    ...rest,
    ...(maxCommonWords !== undefined && { maxCommonWords }),
  }))
const several = fc.array(anyRules, { minLength: 1, maxLength: 6 })

/** Whether nothing that `one` forbids is allowed by `joined`. */
function isAsStrict(joined: DerivedRules, one: Rules): boolean {
  return (
    joined.receivers.every((party) => one.receivers.includes(party)) &&
    one.forbidden.every((column) => joined.forbidden.includes(column.toLowerCase())) &&
    joined.minContributors >= one.minContributors &&
    (joined.noisy || !one.noisy) &&
    (joined.review || !one.review) &&
    (joined.maxCommonWords ?? Infinity) <= (one.maxCommonWords ?? Infinity)
  )
}

describe('joined rules', () => {
  it('are never weaker than any of those they come from', () => {
    fc.assert(
      fc.property(several, (all) => {
        const joined = joinRules(all)
        for (const one of all) expect(isAsStrict(joined, one)).toBe(true)
      }),
    )
  })

  it('forbid nothing that nobody forbids', () => {
    fc.assert(
      fc.property(several, (all) => {
        const { receivers, forbidden, ...joined } = joinRules(all)
        const admitted = PARTIES.filter((party) => all.every((one) => one.receivers.includes(party)))
        expect(receivers).toEqual(admitted)
        const named = all.flatMap((one) => one.forbidden.map((column) => column.toLowerCase()))
        expect(new Set(forbidden)).toEqual(new Set(named))
        expect(all.map((one) => one.minContributors)).toContain(joined.minContributors)
        expect(all.map((one) => one.maxCommonWords)).toContain(joined.maxCommonWords ?? undefined)
        expect(joined.noisy).toBe(all.some(({ noisy }) => noisy))
        expect(joined.review).toBe(all.some(({ review }) => review))
      }),
    )
  })

  it('are the same in any order', () => {
    const shuffled = several.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    )
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(joinRules(other)).toEqual(joinRules(all))
      }),
    )
  })

  it('are the same in any grouping', () => {
    fc.assert(
      fc.property(several, several, several, (a, b, c) => {
        const whole = joinRules([...a, ...b, ...c])
        expect(joinRules([joinRules([...a, ...b]), ...c])).toEqual(whole)
        expect(joinRules([...a, joinRules([...b, ...c])])).toEqual(whole)
      }),
    )
  })

  it('change no more when they are joined again', () => {
    fc.assert(
      fc.property(several, (all) => {
        const joined = joinRules(all)
        expect(joinRules([joined])).toEqual(joined)
        expect(joinRules([joined, joined, ...all])).toEqual(joined)
      }),
    )
  })

  it('leave nobody where owners admit different parties', () => {
    expect(joinRules([rules(['bank']), rules(['retailer'])]).receivers).toEqual([])
  })

  it('have no contributor: that is a column of one input', () => {
    expect(joinRules([rules(['bank'], { contributor: 'id' })])).not.toHaveProperty('contributor')
  })

  it('have no limit of words where nobody sets one, and 0 is a limit', () => {
    expect(joinRules([rules(['bank'])])).not.toHaveProperty('maxCommonWords')
    expect(joinRules([rules(['bank'], { maxCommonWords: 0 }), rules(['bank'])]).maxCommonWords).toBe(0)
  })

  it('are of something', () => {
    expect(() => joinRules([])).toThrow(TypeError)
  })
})
