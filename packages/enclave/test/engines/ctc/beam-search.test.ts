import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { alignTokens } from '../../../src/engines/ctc/align.ts'
import { BeamSearch, DEFAULT_BEAM_SETTINGS } from '../../../src/engines/ctc/beam-search.ts'
import { decode } from '../../../src/engines/ctc/decode.ts'
import { LanguageModel } from '../../../src/engines/ctc/language-model.ts'
import { parseVocabulary } from '../../../src/engines/ctc/vocabulary.ts'

const RUNS = process.env.SLOW ? 500 : 40
const WIDTH = 5
const vocabulary = parseVocabulary(undefined, { '<pad>': 0, '|': 1, a: 2, b: 3, c: 4 }, {}, {})
const { blank } = vocabulary
/** `ab` is likely, `ba` is known, `c` is not. */
const model = LanguageModel.parse(
  utf8('\\data\\\nngram 1=5\n\n\\1-grams:\n-3\t<unk>\n-99\t<s>\n-1\t</s>\n-0.2\tab\n-2\tba\n\n\\end\\\n'),
)

/** Natural logs of random distributions. */
const logprobs = (frames: number): fc.Arbitrary<Float32Array> =>
  fc
    .array(fc.double({ min: 0.01, max: 1, noNaN: true }), {
      minLength: frames * WIDTH,
      maxLength: frames * WIDTH,
    })
    .map((weights) =>
      Float32Array.from(weights, (weight, i) => {
        const from = i - (i % WIDTH)
        return Math.log(weight / weights.slice(from, from + WIDTH).reduce((sum, value) => sum + value, 0))
      }),
    )

/** Every path of so many frames, with its log-probability. */
function* paths(rows: Float32Array, frames: number): Generator<{ path: number[]; logprob: number }> {
  for (let n = 0; n < WIDTH ** frames; n++) {
    const path = Array.from({ length: frames }, (_, frame) => Math.floor(n / WIDTH ** frame) % WIDTH)
    yield { path, logprob: path.reduce((sum, id, frame) => sum + rows[frame * WIDTH + id]!, 0) }
  }
}

const collapse = (path: readonly number[]): number[] =>
  path.filter((id, i) => id !== blank && id !== path[i - 1])

/** What the search promises for a whole text, word by word. */
function wordScore(tokens: readonly number[]): number {
  const { alpha, beta, unknown } = DEFAULT_BEAM_SETTINGS
  const words = tokens
    .map((id) => vocabulary.text.get(id))
    .join('')
    .split(' ')
    .filter(Boolean)
  return words
    .map((word) => {
      const { logprob, isKnown } = model.score(model.start, word)
      return alpha * logprob + beta + (isKnown ? 0 : unknown * Math.max(1, word.length / 4))
    })
    .reduce((sum, score) => sum + score, 0)
}

describe('BeamSearch', () => {
  it('property: with room enough, finds the best of all texts over all their paths', () => {
    const search = new BeamSearch(model, vocabulary, { ...DEFAULT_BEAM_SETTINGS, width: 1e6 })
    fc.assert(
      fc.property(logprobs(5), (rows) => {
        const texts = new Map<string, number>()
        for (const { path, logprob } of paths(rows, 5)) {
          const key = collapse(path).join(' ')
          texts.set(key, (texts.get(key) ?? 0) + Math.exp(logprob))
        }
        const scoreOf = (key: string): number =>
          Math.log(texts.get(key)!) + wordScore(key === '' ? [] : key.split(' ').map(Number))
        const best = Math.max(...[...texts.keys()].map(scoreOf))
        expect(scoreOf(search.decode(rows, 5, WIDTH).join(' '))).toBeCloseTo(best, 3)
      }),
      { numRuns: RUNS },
    )
  })

  it('prefers words it knows, where the network is in doubt, and follows the network where it is not', () => {
    const search = new BeamSearch(model, vocabulary)
    const doubt = (...pairs: [number, number][]): Float32Array =>
      Float32Array.from(
        pairs.flatMap(([sure, other]) =>
          Array.from({ length: WIDTH }, (_, id) => Math.log(id === sure ? 0.5 : id === other ? 0.44 : 0.02)),
        ),
      )
    expect(search.decode(doubt([4, 2], [3, 4]), 2, WIDTH)).toEqual([2, 3])
    const sure = Float32Array.from(
      [4, 0, 4].flatMap((best) =>
        Array.from({ length: WIDTH }, (_, id) => Math.log(id === best ? 0.99999 : 2.5e-6)),
      ),
    )
    expect(search.decode(sure, 3, WIDTH)).toEqual([4, 4])
  })

  it('says nothing where the network hears nothing', () => {
    const silence = Float32Array.from({ length: 20 * WIDTH }, (_, i) => Math.log(i % WIDTH === 0 ? 0.6 : 0.1))
    expect(decode(new BeamSearch(model, vocabulary), silence, 20, WIDTH, blank)).toEqual([])
  })
})

describe('alignTokens', () => {
  it('property: finds the likeliest path of the tokens', () => {
    fc.assert(
      fc.property(logprobs(5), fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }), (rows, tokens) => {
        let best: { path: number[]; logprob: number } | undefined
        for (const one of paths(rows, 5))
          if (collapse(one.path).join() === tokens.join() && one.logprob > (best?.logprob ?? -Infinity))
            best = one
        const aligned = alignTokens(rows, 5, WIDTH, blank, tokens)
        if (tokens.length === 0) return void expect(aligned).toEqual([])
        if (best === undefined) return void expect(aligned).toBeUndefined()
        expect(aligned!.map(({ id }) => id)).toEqual(tokens)
        const path = Array<number>(5).fill(blank)
        for (const { id, from, to } of aligned!) path.fill(id, from, to)
        const logprob = path.reduce((sum, id, frame) => sum + rows[frame * WIDTH + id]!, 0)
        expect(logprob).toBeCloseTo(best.logprob, 4)
      }),
      { numRuns: RUNS },
    )
  })

  it('has no place for more tokens than frames', () => {
    expect(alignTokens(new Float32Array(WIDTH), 1, WIDTH, blank, [2, 3])).toBeUndefined()
    expect(alignTokens(new Float32Array(2 * WIDTH), 2, WIDTH, blank, [2, 2])).toBeUndefined()
  })
})
