import { expect, it } from 'vitest'
import { speechFigures, textFigures } from '../../../src/models/bench/figures.ts'
import { formatTable } from '../../../src/models/bench/table.ts'

const LABEL = { file: 'a-q4_0.gguf', quantization: 'q4_0', bytes: 1_803_776, bitsPerWeight: 5.238 }
const RESULT = {
  loadMs: 100,
  contextTokens: 512,
  memoryBytes: 150 * 1024 * 1024,
  textTokens: 7870,
  chunkTokens: 512,
  chunks: 15,
  scored: 3825,
  nats: 15_685.295_023_422_746,
  squaredNats: 91_748.822_357_810_77,
  promptTokens: 256,
  promptMs: 200,
  generatedTokens: 126,
  generateMs: 189,
}

it('computes perplexity and its error as llama-perplexity printed them: 60.3846 +/- 2.61485', () => {
  const figures = textFigures(LABEL, RESULT)
  expect(figures.perplexity).toBeCloseTo(60.3844, 3)
  expect(Math.abs(figures.perplexityError / 2.61485 - 1)).toBeLessThan(0.005)
  expect(figures).toMatchObject({ msPerToken: 1.5, promptTokensPerSecond: 1280, scoredTokens: 3825 })
})

it('counts words and letters without case and punctuation, over all recordings', () => {
  const recordings = [
    { text: 'the cat sat', audioSeconds: 2, computeMs: 30 },
    { text: 'no', audioSeconds: 1, computeMs: 30 },
  ]
  const result = { loadMs: 1, memoryBytes: 1, recordings }
  const figures = speechFigures(LABEL, result, ['The cat, sat!', 'so'])
  expect(figures.realTimeFactor).toBeCloseTo(0.02, 10)
  expect(figures.wordErrorRate).toBe(1 / 4)
  expect(figures.characterErrorRate).toBe(1 / 13)
  expect(speechFigures(LABEL, result, undefined)).not.toHaveProperty('wordErrorRate')
})

it('aligns names to the left and figures to the right', () => {
  const other = { ...LABEL, file: 'a.gguf', quantization: 'q8_0' }
  expect(formatTable([textFigures(LABEL, RESULT), textFigures(other, RESULT)])).toEqual([
    'model        quantization     size  bits/weight     memory  time/token      prompt      perplexity',
    'a-q4_0.gguf  q4_0          1.7 MiB         5.24  150.0 MiB     1.50 ms  1280 tok/s  60.3844 ± 2.61',
    'a.gguf       q8_0          1.7 MiB         5.24  150.0 MiB     1.50 ms  1280 tok/s  60.3844 ± 2.61',
  ])
})
