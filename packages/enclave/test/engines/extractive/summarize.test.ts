import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { splitSentences } from '../../../src/engines/extractive/sentences.ts'
import { summarize } from '../../../src/engines/extractive/summarize.ts'
import { countWords } from '../../../src/engines/extractive/words.ts'
import { codeOf } from '../host/fake-model.ts'

const RUNS = process.env.SLOW ? 500 : 25

const TEXT = `The lighthouse of Carn stands on a rock two miles from the shore. Its keeper rowed out every Monday.
He liked apples. The lighthouse warned ships of the rock for ninety years, until its lamp was replaced by a buoy.

A storm in March broke the lamp of the lighthouse. The keeper could not row to the rock for nine days. Nobody was hurt.

Today the lighthouse is a museum. Visitors see the lamp, the rock and the keeper's boat. Tickets are sold at the shore.`

it('chooses sentences about what the text is about, in their order', () => {
  const summary = summarize({ text: TEXT, maxSentences: 3 })
  const order = splitSentences(TEXT).map((sentence) => sentence.text)
  expect(summary).toHaveLength(3)
  expect(summary.map((sentence) => order.indexOf(sentence))).toEqual(
    summary.map((sentence) => order.indexOf(sentence)).toSorted((a, b) => a - b),
  )
  expect(summary.every((sentence) => /lighthouse|lamp|rock/.test(sentence))).toBe(true)
  expect(summary).not.toContain('He liked apples.')
})

it('prefers a new thought to a repetition', () => {
  const text =
    'The dam burst at noon on Friday. The dam burst at noon on Friday, they said. Four villages lost their bridges in the flood.'
  expect(summarize({ text, maxSentences: 2 })[1]).toContain('Four villages')
})

it('keeps the bounds of the request', () => {
  expect(summarize({ text: TEXT })).toHaveLength(2)
  expect(summarize({ text: TEXT, minSentences: 5 })).toHaveLength(5)
  expect(countWords(summarize({ text: TEXT, maxWords: 25 }).join(' '))).toBeLessThanOrEqual(25)
  expect(countWords(summarize({ text: TEXT, minWords: 40 }).join(' '))).toBeGreaterThanOrEqual(40)
  expect(summarize({ text: 'One sentence of exactly seven words here.', maxWords: 3 })).toEqual([
    'One sentence of…',
  ])
})

it('refuses contradicting bounds and texts without words', async () => {
  const run = async (over: object): Promise<unknown> => summarize({ text: TEXT, ...over })
  expect(await codeOf(run({ minWords: 9, maxWords: 8 }))).toBe('ENGINE_INPUT')
  expect(await codeOf(run({ minSentences: 2, maxSentences: 1 }))).toBe('ENGINE_INPUT')
  expect(await codeOf(run({ maxSentences: 0 }))).toBe('ENGINE_INPUT')
  expect(await codeOf(run({ maxWords: 1.5 }))).toBe('ENGINE_INPUT')
  expect(await codeOf(run({ text: ' … \n' }))).toBe('ENGINE_INPUT')
  expect(await codeOf(run({ text: 7 }))).toBe('ENGINE_INPUT')
})

it('property: every summary is made of sentences of the text, within bounds, and the same every time', () => {
  const word = fc.constantFrom('river', 'bank', 'stone', 'light', 'Anna', 'the', 'of', 'runs', 'quietly', '7')
  const sentence = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => `The ${words.join(' ')}.`)
  fc.assert(
    fc.property(
      fc.array(sentence, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 60 }),
      (sentences, maxWords) => {
        const text = sentences.join(' ')
        const summary = summarize({ text, maxWords })
        expect(summary).toEqual(summarize({ text, maxWords }))
        expect(countWords(summary.join(' '))).toBeLessThanOrEqual(maxWords)
        for (const chosen of summary) expect(chosen.endsWith('…') || sentences.includes(chosen)).toBe(true)
      },
    ),
    { numRuns: RUNS },
  )
})

it('stays linear on a long text', () => {
  const started = performance.now()
  summarize({ text: TEXT.repeat(400), maxWords: 200 })
  expect(performance.now() - started).toBeLessThan(5000)
})
