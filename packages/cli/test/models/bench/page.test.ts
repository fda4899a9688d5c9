import { expect, it } from 'vitest'
import type { SpeechFigures, TextFigures } from '../../../src/models/bench/index.ts'
import { ticks } from '../../../src/models/bench/markup.ts'
import { writePage } from '../../../src/models/bench/page.ts'

const text = (over: Partial<TextFigures>): TextFigures => ({
  kind: 'text',
  file: 'm.gguf',
  quantization: 'q8_0',
  bytes: 3e6,
  memoryBytes: 1.6e8,
  contextTokens: 512,
  loadMs: 100,
  msPerToken: 1.5,
  promptTokensPerSecond: 1200,
  perplexity: 60.38,
  perplexityError: 2.6,
  scoredTokens: 3825,
  chunks: 15,
  chunkTokens: 512,
  ...over,
})
const speech: SpeechFigures = {
  kind: 'speech',
  file: 'listener',
  quantization: 'ctc',
  bytes: 3e6,
  memoryBytes: 2e8,
  loadMs: 100,
  recordings: 2,
  audioSeconds: 10,
  realTimeFactor: 0.012,
  wordErrorRate: 0.25,
  characterErrorRate: 0.1,
}
const count = (page: string, part: string): number => page.split(part).length - 1

it('has one point, name and row for each model, and plots only what there is', () => {
  const page = writePage([text({}), text({ quantization: 'q4_0', bytes: 2e6, perplexity: 61.9 }), speech], {
    lines: ['A processor.'],
  })
  expect(count(page, '<circle')).toBe(2)
  expect(page).toMatch(/<text class="label"[^>]*>q4_0<\/text>/)
  expect(count(page, '<tr>')).toBe(2 + 2 + 1)
  expect(page).toContain('25.0 %')
  const one = writePage([text({})], { lines: [] })
  expect(count(one, '<circle')).toBe(0)
  expect(one).not.toContain('Word error rate')
  const unrated: SpeechFigures = { ...speech }
  delete (unrated as { wordErrorRate?: number }).wordErrorRate
  expect(writePage([unrated], { lines: [] })).not.toContain('Word error rate')
})

it('shows names as text, runs nothing and fetches nothing', () => {
  const evil = `"><script>alert(1)</script><img src=x onerror='a'>&`
  const page = writePage([text({ file: evil }), text({ file: 'b' }), { ...speech, file: evil }], {
    lines: [evil],
  })
  expect(page).not.toMatch(/<script|<img|<link|url\(|http(?!-equiv)/)
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page).toContain(`default-src 'none'; style-src 'unsafe-inline'`)
})

it('draws bars in proportion, from zero', () => {
  const page = writePage([text({ msPerToken: 4 }), text({ quantization: 'q4_0', msPerToken: 1 })], {
    lines: [],
  })
  const [, times] = page.split('<h2>Time per token</h2>')
  const widths = [...times!.matchAll(/<rect width="([\d.]+)"/g)].slice(0, 2).map(([, width]) => Number(width))
  expect(widths).toEqual([100, 25])
})

it('marks axes with round numbers around what is there, also where all are one', () => {
  expect(ticks(60.38, 64.1, 5)).toEqual([60, 61, 62, 63, 64, 65])
  expect(ticks(1.72, 5.31, 5)).toEqual([1, 2, 3, 4, 5, 6])
  expect(ticks(0.1, 0.3, 2)).toEqual([0.1, 0.2, 0.3])
  for (const value of [0, 7, -3, 1e-9, 1e12]) {
    const found = ticks(value, value, 5)
    expect(found[0]).toBeLessThanOrEqual(value)
    expect(found.at(-1)).toBeGreaterThanOrEqual(value)
    expect(
      writePage([text({ bytes: 5, perplexity: value }), text({ bytes: 5, perplexity: value })], {
        lines: [],
      }),
    ).not.toContain('NaN')
  }
})
