import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assembleSegment } from '../../../src/engines/ctc/assemble.ts'
import { decodeGreedy, silenceProbability } from '../../../src/engines/ctc/greedy.ts'
import { parseVocabulary } from '../../../src/engines/ctc/vocabulary.ts'
import { codeOf } from '../host/fake-model.ts'

const RUNS = process.env.SLOW ? 500 : 25

/** Logits in which the named column of each frame has probability `sure`. */
function logits(path: readonly number[], width: number, sure = 0.9): Float32Array {
  const rest = (1 - sure) / (width - 1)
  return Float32Array.from(
    path.flatMap((best) => Array.from({ length: width }, (_, i) => Math.log(i === best ? sure : rest) + 5)),
  )
}

describe('decodeGreedy', () => {
  it('merges repetitions, drops blanks, and parts equal letters by a blank', () => {
    const tokens = decodeGreedy(logits([0, 2, 2, 0, 2, 3, 0], 4), 7, 4, 0)
    expect(tokens.map(({ id, from, to }) => [id, from, to])).toEqual([
      [2, 1, 3],
      [2, 4, 5],
      [3, 5, 6],
    ])
    expect(tokens[0]!.logprob).toBeCloseTo(Math.log(0.9), 5)
  })

  it('property: decodes any path to its collapsed form', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 60 }), (path) => {
        const collapsed = path.filter((id, i) => id !== 0 && id !== path[i - 1])
        expect(decodeGreedy(logits(path, 5), path.length, 5, 0).map((token) => token.id)).toEqual(collapsed)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('silenceProbability', () => {
  it('is the product of the blanks: near one in silence, near nothing in speech', () => {
    const [blank, sure] = [0, 0.999]
    expect(silenceProbability(logits([0, 0, 0], 5, 0.5), 3, 5, blank)).toBeCloseTo(0.125, 5)
    expect(silenceProbability(logits(Array(50).fill(0), 5, sure), 50, 5, blank)).toBeCloseTo(sure ** 50, 4)
    expect(silenceProbability(logits([0, 2, 2, 0, 3, 0, 4, 0], 5), 8, 5, blank)).toBeLessThan(1e-4)
  })
})

describe('assembleSegment', () => {
  const vocabulary = parseVocabulary(undefined, { '<pad>': 0, '|': 1, a: 2, b: 3, '<unk>': 4 }, {}, {})

  it('gives words the times of their frames', () => {
    const tokens = decodeGreedy(logits([1, 2, 0, 3, 3, 1, 4, 1, 3, 0], 5), 10, 5, vocabulary.blank)
    const place = { id: 3, start: 10, end: 11, secondsPerFrame: 0.1 }
    const segment = assembleSegment({ tokens, noSpeechProb: 0.25 }, vocabulary, place, {
      wordTimestamps: true,
      logprobs: true,
    })
    expect(segment).toMatchObject({
      id: 3,
      seek: 1000,
      start: 10,
      end: 11,
      text: 'ab b',
      temperature: 0,
      noSpeechProb: 0.25,
    })
    expect(segment.words!.map(({ word, start, end }) => [word, start.toFixed(1), end.toFixed(1)])).toEqual([
      ['ab', '10.1', '10.5'],
      ['b', '10.8', '10.9'],
    ])
    expect(segment.words![0]!.probability).toBeCloseTo(0.9, 4)
    expect(segment.logprobs!.map(({ text }) => text).join('')).toBe(' ab  b')
    expect(segment.avgLogprob).toBeCloseTo(Math.log(0.9), 4)
  })

  it('leaves out what was not asked for, and marks silence', () => {
    const nothing = { tokens: [], noSpeechProb: 1 }
    const segment = assembleSegment(
      nothing,
      vocabulary,
      { id: 0, start: 0, end: 1, secondsPerFrame: 0.1 },
      {},
    )
    expect(segment).toMatchObject({ text: '', noSpeechProb: 1, avgLogprob: 0, compressionRatio: 1 })
    expect(segment).not.toHaveProperty('words')
    expect(segment).not.toHaveProperty('logprobs')
  })
})

describe('parseVocabulary', () => {
  it('reads the fast and the slow form alike', () => {
    const vocab = { '[PAD]': 0, '|': 1, E: 2 }
    const slow = parseVocabulary(undefined, vocab, { pad_token: '[PAD]' }, {})
    const fast = parseVocabulary(
      { model: { vocab }, decoder: { pad_token: '[PAD]', word_delimiter_token: '|' } },
      undefined,
      {},
      {},
    )
    expect(fast).toEqual(slow)
    expect(slow).toEqual({
      blank: 0,
      delimiter: 1,
      text: new Map([
        [0, ''],
        [1, ' '],
        [2, 'E'],
      ]),
    })
  })

  it.each([
    ['nothing', undefined],
    ['an empty vocabulary', {}],
    ['a column that is no number', { '<pad>': 0, a: 'x' }],
    ['a negative column', { '<pad>': 0, a: -1 }],
    ['no blank', { a: 0 }],
  ])('refuses %s', async (_, vocab) => {
    expect(await codeOf((async () => parseVocabulary(undefined, vocab, {}, {}))())).toBe(
      'ENGINE_MODEL_INVALID',
    )
  })
})
