import fc from 'fast-check'
import { expect, test } from 'vitest'
import { generate } from '../../../src/engines/seq2seq/generate.ts'
import { drawWith, seededRandom } from '../../../src/engines/seq2seq/sample.ts'
import { argmax, logSoftmax, logSumExp, topPlaces } from '../../../src/engines/seq2seq/scores.ts'
import { type GenerationSettings, parseGenerationConfig } from '../../../src/engines/seq2seq/settings.ts'
import type { StepDecoder } from '../../../src/engines/seq2seq/step-decoder.ts'

const numRuns = process.env['SLOW'] ? 500 : 25
const EOS = 0
const scoreList = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 2, maxLength: 40 })

function settings(changes: Record<string, unknown>): GenerationSettings {
  return parseGenerationConfig({ decoder_start_token_id: 9, eos_token_id: EOS, max_length: 6, ...changes })
}

/** A decoder whose scores depend on the whole row, by a small hash. */
function hashDecoder(vocabulary: number, seed: number): StepDecoder {
  return {
    step: async (rows) => ({
      scores: rows.map((row) => {
        const random = seededRandom(row.reduce((hash, token) => Math.imul(hash ^ token, 0x01000193), seed))
        return Float32Array.from({ length: vocabulary }, () => 4 * random() - 2)
      }),
      scoresAt: () => new Float32Array(vocabulary),
    }),
  }
}

/** The best answer of all, by trying every one. */
async function bestOfAll(
  decoder: StepDecoder,
  vocabulary: number,
  { maxLength }: GenerationSettings,
): Promise<number> {
  let best = -Infinity
  const visit = async (tokens: number[], sum: number): Promise<void> => {
    const scores = logSoftmax((await decoder.step([tokens], [0])).scores[0]!)
    for (let id = 0; id < vocabulary; id++) {
      const total = sum + scores[id]!
      const next = [...tokens, id]
      if (id === EOS || next.length === maxLength) best = Math.max(best, total)
      else await visit(next, total)
    }
  }
  await visit([9], 0)
  return best
}

test('beams wide enough find the likeliest answer of all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(10_000), async (seed) => {
      const used = settings({ num_beams: 16, length_penalty: 0, early_stopping: 'never', max_length: 4 })
      const decoder = hashDecoder(4, seed)
      const { score, tokens, logprobs } = await generate(decoder, used, { logprobs: true })
      expect(score).toBeCloseTo(await bestOfAll(decoder, 4, used), 4)
      expect(logprobs.reduce((sum, p) => sum + p, 0)).toBeCloseTo(score!, 4)
      expect(tokens.length - 1).toBe(logprobs.length)
    }),
    { numRuns },
  )
})

test('one beam is greedy, and greedy never beats beams by their own measure', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(10_000), async (seed) => {
      const decoder = hashDecoder(6, seed)
      const greedy = await generate(decoder, settings({ num_beams: 1 }))
      let row = [9]
      for (const token of greedy.tokens.slice(1)) {
        expect(argmax((await decoder.step([row], [0])).scores[0]!)).toBe(token)
        row = [...row, token]
      }
      expect(greedy.tokens.length === 6 || greedy.tokens.at(-1) === EOS).toBe(true)
    }),
    { numRuns },
  )
})

test('hands on which row each beam continues', async () => {
  const inner = hashDecoder(5, 3)
  let before: readonly (readonly number[])[] = []
  const checked: StepDecoder = {
    step: async (rows, order) => {
      if (before.length > 0)
        for (const [i, row] of rows.entries()) expect(row.slice(0, -1)).toEqual(before[order[i]!])
      before = rows
      return inner.step(rows, order)
    },
  }
  await generate(checked, settings({ num_beams: 4, max_length: 12 }))
  expect(before.length).toBe(4)
})

test('returns the prompt where nothing may be added', async () => {
  for (const num_beams of [1, 4]) {
    const made = await generate(hashDecoder(5, 1), settings({ num_beams, max_length: 1 }))
    expect(made.tokens).toEqual([9])
  }
})

test('stops between steps when the caller aborts', async () => {
  const controller = new AbortController()
  let steps = 0
  const inner = hashDecoder(5, 1)
  const counted: StepDecoder = {
    step: (rows, order) => {
      if (++steps === 2) controller.abort()
      return inner.step(rows, order)
    },
  }
  const endless = settings({ max_length: 100, suppress_tokens: [EOS] })
  await expect(generate(counted, endless, { signal: controller.signal })).rejects.toThrow()
  expect(steps).toBe(2)
})

test('top places are those of a full sort', () => {
  fc.assert(
    fc.property(scoreList, fc.integer({ min: 1, max: 12 }), (list, count) => {
      const scores = Float32Array.from(list)
      const sorted = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b)
      expect(topPlaces(scores, count)).toEqual(sorted.slice(0, count))
      expect(argmax(scores)).toBe(sorted[0])
    }),
    { numRuns },
  )
})

test('log probabilities add up to one', () => {
  fc.assert(
    fc.property(scoreList, (list) => {
      const scores = logSoftmax(Float32Array.from(list))
      expect(logSumExp(scores, 0, scores.length)).toBeCloseTo(0, 4)
    }),
    { numRuns },
  )
})

test('draws keep to top-k, the nucleus and min-p, and follow the probabilities', () => {
  const scores = Float32Array.from([0.5, 0.3, 0.15, 0.05], Math.log)
  const shares = (options: object): number[] => {
    const pick = drawWith({ temperature: 1, random: seededRandom(7), ...options })
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 4000; i++) counts[pick(scores.slice())]!++
    return counts.map((count) => count / 4000)
  }
  for (const [i, share] of shares({}).entries()) expect(share).toBeCloseTo([0.5, 0.3, 0.15, 0.05][i]!, 1)
  expect(shares({ topK: 2 }).map((share) => share > 0)).toEqual([true, true, false, false])
  expect(shares({ topP: 0.7 }).map((share) => share > 0)).toEqual([true, true, false, false])
  expect(shares({ minP: 0.2 }).map((share) => share > 0)).toEqual([true, true, true, false])
  expect(shares({ temperature: 0 })).toEqual([1, 0, 0, 0])
  expect(shares({ temperature: 0.1 })[0]).toBeGreaterThan(0.95)
})
