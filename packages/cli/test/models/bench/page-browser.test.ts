import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../../../../test/browser/find-chromium.ts'
import type { TextFigures } from '../../../src/models/bench/index.ts'
import { writePage } from '../../../src/models/bench/page.ts'

const executablePath = findChromium()

const ROWS: readonly TextFigures[] = [
  ['f16', 5.6, 60.37],
  ['q8_0', 2.98, 60.38],
  ['q5_k_m', 2.24, 60.35],
  ['q5_0', 2.1, 60.46],
  ['q4_k_m', 2.08, 60.44],
  ['q4_0', 1.8, 60.72],
].map(([quantization, megabytes, perplexity]) => ({
  kind: 'text',
  file: `a-model-with-quite-a-long-name-${quantization}.gguf`,
  quantization: `${quantization}`,
  bytes: Number(megabytes) * 1e6,
  memoryBytes: 1.5e8,
  contextTokens: 512,
  loadMs: 100,
  msPerToken: 1.5,
  promptTokensPerSecond: 1200,
  perplexity: Number(perplexity),
  perplexityError: 2.6,
  chunks: 15,
  chunkTokens: 512,
  scoredTokens: 3825,
}))

describe.skipIf(!executablePath)('the page in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())

  it.each([
    [360, 'dark'],
    [1280, 'light'],
  ] as const)(
    'fits %i pixels in %s, and its names cover neither each other nor a point',
    async (width, colorScheme) => {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
      await page.setContent(writePage(ROWS, { lines: ['A processor, 2 cores, 1 thread.'] }))
      const found = await page.evaluate(() => {
        const boxes = (selector: string): DOMRect[] =>
          [...document.querySelectorAll(selector)].map((element) => element.getBoundingClientRect())
        const meet = (a: DOMRect, b: DOMRect): boolean =>
          a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom
        const names = boxes('svg .label')
        return {
          width: document.documentElement.scrollWidth,
          dark: getComputedStyle(document.body).backgroundColor === 'rgb(20, 23, 27)',
          names: names.length,
          covered: names.filter(
            (name, at) =>
              names.some((other, i) => i !== at && meet(name, other)) ||
              boxes('svg circle').some((point) => meet(name, point)),
          ).length,
          outside: boxes('td, th, .figure, svg text').filter(({ right }) => right > innerWidth).length,
        }
      })
      expect(found).toEqual({ width, dark: colorScheme === 'dark', names: 6, covered: 0, outside: 0 })
      await page.close()
    },
  )
})
