import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bleu, errorRate, rouge, wordsOf } from '../../src/quality/index.ts'

const text = fc
  .array(fc.constantFrom('the', 'cat', 'sat', 'on', 'a', 'mat'), { maxLength: 12 })
  .map((all) => all.join(' '))

describe('rouge', () => {
  it('is that of the examples in Lin 2004, section 3.1', () => {
    const reference = 'police killed the gunman'
    const [near, turned] = ['police kill the gunman', 'the gunman kill police'].map((one) =>
      rouge(one, reference),
    )
    expect([near!.rouge2.recall, turned!.rouge2.recall]).toEqual([1 / 3, 1 / 3])
    expect([near!.rougeL.f1, turned!.rougeL.f1]).toEqual([0.75, 0.5])
    expect(rouge('the gunman police killed', reference).rougeL.f1).toBe(0.5)
  })

  it('counts a word as often as both have it', () => {
    const { rouge1 } = rouge('the the the the the the the', 'The cat is on the mat.')
    expect(rouge1).toMatchObject({ precision: 2 / 7, recall: 2 / 6 })
  })

  it('property: is 1 for the text itself, and turns precision into recall when both change places', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [there, back] = [rouge(a, b), rouge(b, a)]
        for (const kind of ['rouge1', 'rouge2', 'rougeL'] as const) {
          expect(there[kind].precision).toBe(back[kind].recall)
          expect(there[kind].f1).toBeCloseTo(back[kind].f1)
          expect(there[kind].f1).toBeLessThanOrEqual(1)
        }
        expect(rouge(a, a).rougeL.f1).toBe(a === '' ? 0 : 1)
      }),
    )
  })
})

describe('bleu', () => {
  it('clips n-grams as Papineni et al. 2002, section 2.1, and smooths those above single words', () => {
    // 2 of 7 words; of the 6, 5 and 4 longer n-grams none: 1/7, 1/6, 1/5.
    const expected = ((2 / 7) * (1 / 7) * (1 / 6) * (1 / 5)) ** (1 / 4)
    expect(bleu('the the the the the the the', 'the cat is on the mat')).toBeCloseTo(expected)
  })

  it('punishes what is too short, not what is too long', () => {
    const reference = 'one two three four five six seven eight'
    expect(bleu(reference, reference)).toBe(1)
    expect(bleu('one two three four', reference)).toBeCloseTo(Math.exp(1 - 8 / 4))
    expect(bleu('', reference)).toBe(0)
    expect(bleu('nine ten', reference)).toBe(0)
  })
})

describe('errorRate', () => {
  it('counts what was replaced, left out and added', () => {
    expect(
      errorRate([
        [
          ['a', 'x', 'c', 'd'],
          ['a', 'b', 'c'],
        ],
      ]),
    ).toBeCloseTo(2 / 3)
    expect(
      errorRate([
        [[], ['a', 'b']],
        [['a'], ['a']],
      ]),
    ).toBeCloseTo(2 / 3)
    expect(errorRate([])).toBe(0)
  })
})

it('takes words of any language, and keeps apostrophes inside them', () => {
  expect(wordsOf("Don’t stop: l'été, 3 Bücher — ‘fin’!")).toEqual([
    'don’t',
    'stop',
    "l'été",
    '3',
    'bücher',
    'fin',
  ])
})
