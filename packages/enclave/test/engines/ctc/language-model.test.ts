import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { LanguageModel } from '../../../src/engines/ctc/language-model.ts'

const RUNS = process.env.SLOW ? 2000 : 200

/** A trigram model in which `the cat` is likely and `the dog` backs off. */
export const ARPA = [
  '\\data\\',
  'ngram 1=6',
  'ngram 2=3',
  'ngram 3=1',
  '',
  '\\1-grams:',
  '-2.0\t<unk>',
  '-99\t<s>\t-0.5',
  '-1.0\t</s>',
  '-0.5\tthe\t-0.25',
  '-1.0\tcat\t-0.125',
  '-1.5\tdog',
  '',
  '\\2-grams:',
  '-0.25\t<s> the\t-0.0625',
  '-0.5\tthe cat\t-0.03125',
  '-1.0\tcat </s>',
  '',
  '\\3-grams:',
  '-0.125\t<s> the cat',
  '',
  '\\end\\',
  '',
].join('\n')

const parse = (text: string): LanguageModel => LanguageModel.parse(utf8(text))
const log10 = (model: LanguageModel, ...words: string[]): number => {
  let context = model.start
  let last = 0
  for (const word of words) {
    const scored = model.score(context, word)
    context = scored.context
    last = scored.logprob
  }
  return last / Math.LN10
}

it('scores by the longest n-gram it has, and backs off by the weights of the contexts', () => {
  const model = parse(ARPA)
  expect(log10(model, 'the')).toBeCloseTo(-0.25)
  expect(log10(model, 'the', 'cat')).toBeCloseTo(-0.125)
  expect(log10(model, 'the', 'dog')).toBeCloseTo(-0.0625 - 0.25 - 1.5)
  expect(log10(model, 'dog', 'cat')).toBeCloseTo(-1)
  expect(log10(model, 'the', 'zebra')).toBeCloseTo(-0.0625 - 0.25 - 2)
  expect(model.score(model.start, 'zebra').isKnown).toBe(false)
  expect([...model.words()]).toEqual(['the', 'cat', 'dog'])
})

it.each([
  ['nothing', ''],
  ['no beginning', ARPA.slice(7)],
  ['no end', ARPA.replace('\\end\\', '')],
  ['a cut file', ARPA.slice(0, -30)],
  ['fewer n-grams than stated', ARPA.replace('ngram 2=3', 'ngram 2=4')],
  ['more n-grams than stated', ARPA.replace('ngram 2=3', 'ngram 2=2')],
  ['orders that skip one', ARPA.replace('ngram 2=3\n', '')],
  ['an n-gram of another order', ARPA.replace('the cat\t', 'the big cat\t')],
  ['a word that is no unigram', ARPA.replace('the cat\t', 'the cow\t')],
  ['an n-gram twice', ARPA.replace('cat </s>', 'the cat')],
  ['a probability above one', ARPA.replace('-0.5\tthe cat', '0.5\tthe cat')],
  ['a probability that is no number', ARPA.replace('-0.5\tthe cat', 'nan\tthe cat')],
  ['a field too many', ARPA.replace('-1.5\tdog', '-1.5\tdog\t0\t0')],
  ['no unknown word', ARPA.replace('<unk>', 'bird')],
  ['no start', ARPA.replaceAll('<s>', 'so')],
  ['more n-grams than memory', ARPA.replace('ngram 3=1', 'ngram 3=999999999')],
])('refuses %s', (_, text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ENGINE_MODEL_INVALID' }) as Error)
})

it('property: altered bytes are a model or refused by name', () => {
  fc.assert(
    fc.property(fc.nat({ max: ARPA.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const bytes = utf8(ARPA)
      bytes[at] = byte
      try {
        const model = LanguageModel.parse(bytes)
        expect(model.score(model.start, 'cat').logprob).toBeLessThanOrEqual(10 * Math.LN10 * 99)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
      }
    }),
    { numRuns: RUNS },
  )
})
