import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measurePerplexity } from '../../src/bench/index.ts'
import type { EngineHost, EngineProcess } from '../../src/engines/index.ts'
import { codeOf } from '../engines/host/fake-model.ts'
import { openRealHost, startWeights } from '../engines/real-engines.ts'
import { testdata, testdataMissing, testdataPath } from '../engines/testdata.ts'
import { llamaPerplexity } from './llama-perplexity.ts'

/** An engine whose tokens are numbered words, and which remembers what it was asked to score. */
function numbered(words: number, hasBeginning: boolean): { engine: EngineProcess; asked: number[][] } {
  const asked: number[][] = []
  const engine = {
    info: { concurrency: 1, operations: ['score', 'tokenize'], contextTokens: 8 },
    tokenize: async () => Array.from({ length: words }, (_, i) => i + 1),
    score: async (tokens: number[]) => {
      asked.push(tokens)
      const scored = hasBeginning ? tokens : tokens.slice(1)
      return scored.map((token) => ({ token, text: '', logprob: -token }))
    },
  }
  return { engine: engine as unknown as EngineProcess, asked }
}
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

describe('which tokens count', () => {
  it('replaces the first token of each chunk by the beginning, and scores those behind its middle', async () => {
    const { engine, asked } = numbered(18, true)
    const found = await measurePerplexity(engine, '', 8, () => {})
    // The beginning token is the first of 19: the chunks are B 1..7 and 8..15, whose 8 gives way to another B.
    expect(asked.slice(1)).toEqual([
      [1, 2, 3, 4, 5, 6, 7],
      [9, 10, 11, 12, 13, 14, 15],
    ])
    expect(found).toMatchObject({ textTokens: 19, chunkTokens: 8, chunks: 2, scored: 6 })
    expect(found.nats).toBe(sum([5, 6, 7, 13, 14, 15]))
    expect(found.squaredNats).toBe(sum([5, 6, 7, 13, 14, 15].map((value) => value ** 2)))
  })

  it('keeps every token of a model without a beginning', async () => {
    const { engine, asked } = numbered(17, false)
    const found = await measurePerplexity(engine, '', 8, () => {})
    expect(asked.slice(1)).toEqual([
      [1, 2, 3, 4, 5, 6, 7, 8],
      [9, 10, 11, 12, 13, 14, 15, 16],
    ])
    expect(found).toMatchObject({ textTokens: 17, chunks: 2, scored: 6, nats: sum([6, 7, 8, 14, 15, 16]) })
  })

  it('takes no larger chunks than the model has context', async () => {
    const { engine } = numbered(40, false)
    expect(await measurePerplexity(engine, '', 512, () => {})).toMatchObject({ chunkTokens: 8, chunks: 5 })
  })

  it.each([0, 1, 14])('refuses a text of %i tokens', async (words) => {
    const { engine } = numbered(words, true)
    expect(await codeOf(measurePerplexity(engine, '', 8, () => {}))).toBe('ENGINE_INPUT')
  })
})

const missing = testdataMissing()
const tool = process.env['SOTTO_LLAMA_PERPLEXITY']

describe.skipIf(missing !== undefined)('a 260K story model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-perplexity-'))
  const text = missing ? '' : new TextDecoder().decode(testdata('text/willow.txt')).slice(0, 8000)
  let host: EngineHost
  let engine: EngineProcess
  beforeAll(async () => {
    host = await openRealHost()
    const model = { engine: 'gguf', task: 'text-generation' } as const
    engine = await startWeights(host, model, testdata('llm/stories260K-f32.gguf'), { concurrency: 1 })
  })
  afterAll(async () => {
    await host?.close()
    rmSync(folder, { recursive: true })
  })
  const measure = async (chunk: number): Promise<number> => {
    const { nats, scored } = await measurePerplexity(engine, text, chunk, () => {})
    return Math.exp(nats / scored)
  }

  it('has the perplexity that llama-perplexity v0.5.0 printed', async () => {
    expect(Math.abs((await measure(512)) / RECORDED[512] - 1)).toBeLessThan(0.005)
    expect(Math.abs((await measure(128)) / RECORDED[128] - 1)).toBeLessThan(0.005)
  })

  it.skipIf(tool === undefined)('has the perplexity of llama-perplexity of this machine', async () => {
    const file = join(folder, 'text.txt')
    writeFileSync(file, text)
    const theirs = llamaPerplexity(tool!, testdataPath('llm/stories260K-f32.gguf'), file, 512)
    expect(Math.abs((await measure(512)) / theirs - 1)).toBeLessThan(0.005)
  })
})

/** By tokens of a chunk: `llama-perplexity -c N` on the first 8000 characters of the book. */
const RECORDED = { 512: 21.2448, 128: 24.1642 }
