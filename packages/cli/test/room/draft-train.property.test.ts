import fc from 'fast-check'
import { expect, it } from 'vitest'
import { showDecimal, showDelta } from '../../src/room/describe/index.ts'
import { contractIn } from './drafts.ts'
import { expectNamedRefusals } from './edited-drafts.ts'
import { inUnits } from '../../src/room/draft/values.ts'
import { trainingDraft } from './training-drafts.ts'

const SLOW = process.env['SLOW'] ? 20 : 1

it('keeps decimal numbers to the last place, as text and as numbers, and shows them so', () => {
  const units = fc.integer({ min: -(2 ** 52), max: 2 ** 52 })
  fc.assert(
    fc.property(units, fc.integer({ min: 0, max: 12 }), (value, places) => {
      expect(inUnits(showDecimal(value, places), places)).toBe(value)
      const number = Number(showDecimal(value, places))
      // The shortest text of a double has at most 17 digits: what has fewer is written as it was.
      if (Math.abs(value) < 1e15) expect(inUnits(number, places)).toBe(value)
    }),
    { numRuns: 300 * SLOW },
  )
})

it('reads a delta as it shows it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000_000_000 }), (trillionths) => {
      expect(inUnits(showDelta(trillionths), 12)).toBe(trillionths)
      expect(inUnits(Number(showDelta(trillionths)), 12)).toBe(trillionths)
    }),
    { numRuns: 300 * SLOW },
  )
})

it('takes no other text for a number', () => {
  const character = fc.constantFrom(...'0123456789.-+eE_, \tx')
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 12 }), (text) => {
      const units = inUnits(text, 6)
      if (units === undefined) return
      expect(text).toMatch(/^-?\d+(?:\.\d+)?(?:e-\d{1,2})?$/)
      // Documents have one zero.
      expect(units).toBe(Math.round(Number(text) * 1e6) + 0)
    }),
    { numRuns: 1000 * SLOW },
  )
})

it('keeps bounds and values of columns as they were written', () => {
  const places = fc.integer({ min: 0, max: 9 })
  const bound = fc.integer({ min: -1_000_000, max: 1_000_000 })
  const range = fc
    .tuple(bound, bound, places)
    .filter(([min, max]) => min < max)
    .map(([min, max, decimals]) => ({ min, max, decimals }))
  const values = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9 .-]{1,20}$/), { minLength: 2, maxLength: 8 })
  const fixed = (value: number, decimals: number): string =>
    decimals === 0 ? String(value) : (value / 10 ** decimals).toFixed(decimals)
  fc.assert(
    fc.property(range, values, ({ min, max, decimals }, listed) => {
      const written = `${fixed(min, decimals)}..${fixed(max, decimals)}`
      const { contract } = contractIn(
        trainingDraft({ train: { features: { rate: written, kind: listed }, label: { fraud: listed } } }),
      )
      const { task } = contract.transforms[0]!
      if (task.kind !== 'train') throw new Error('no training')
      expect(task.data.features).toEqual([
        { column: 'rate', kind: 'number', min, max, decimals },
        { column: 'kind', kind: 'category', values: listed },
      ])
      expect(task.data.label).toMatchObject({ values: listed })
    }),
    { numRuns: 50 * SLOW },
  )
})

it('refuses any other training by name, and repeats no value of it', () => {
  const MARK = 'hunter2-hunter2'
  const source = trainingDraft({
    train: {
      recipe: { mlp: { hidden: [4] } },
      features: { amount: '0..10', kind: [MARK, 'card'] },
      privacy: { noise: 2, delta: 1e-5, contributors: 1000 },
      optimiser: { sgd: { momentum: 0.9 } },
      steps: 10,
    },
  })
  expectNamedRefusals(source, 'hunter2', {
    characters: ' \n\t:-?[]{},#&*!|>\'"%@`\\\0aZ0~<.9',
    most: 3,
    numRuns: 200 * SLOW,
  })
})
