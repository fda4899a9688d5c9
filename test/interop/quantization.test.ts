/**
 * Files of every type that `sotto models quantize` makes, measured by the engine that serves them and by llama.cpp's own
 * tool. Needs `SOTTO_LLAMA_QUANTIZE` and `SOTTO_LLAMA_PERPLEXITY`; `node scripts/llama-tools.ts` builds both.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modelsQuantize } from '../../packages/cli/src/commands/models/quantize.ts'
import {
  type BenchProcess,
  measureModel,
  openBenchModel,
  startBench,
} from '../../packages/cli/src/models/bench/index.ts'
import { QUANTIZATIONS } from '../../packages/cli/src/models/quantize/index.ts'
import { runInMemory } from '../../packages/cli/test/support/memory-io.ts'
import { llamaPerplexity } from '../../packages/enclave/test/bench/llama-perplexity.ts'

const root = resolve(import.meta.dirname, '../..')
const SHIPPED = join(root, 'models/sotto-tiny-story-en/sotto-tiny-story-en.gguf')
const SOURCES = ['bench/main.ts', 'engines/worker/main.ts'].map((path) =>
  join(root, 'packages/enclave/src', path),
)
const { SOTTO_LLAMA_QUANTIZE: quantizer, SOTTO_LLAMA_PERPLEXITY: perplexity } = process.env
const missing = quantizer === undefined || perplexity === undefined
if (missing)
  process.stderr.write('skipped: quantization needs SOTTO_LLAMA_QUANTIZE and SOTTO_LLAMA_PERPLEXITY\n')

/** As much as three chunks take: each is measured twice, by two programs, for six types. */
const TEXT_LENGTH = 5000
/** Bits for each weight at most, where half of the matrices have rows too short for the type. */
const MAX_BITS = { f16: 16.5, q8_0: 9, q5_k_m: 7, q5_0: 6.5, q4_k_m: 6.5, q4_0: 5.5 } as const

describe.skipIf(missing)('the shipped model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-quantization-'))
  const text = readFileSync(join(root, 'models/demo/notes.txt'), 'utf8').slice(0, TEXT_LENGTH)
  const { signal } = new AbortController()
  let bench: BenchProcess
  beforeAll(() => {
    copyFileSync(SHIPPED, join(folder, 'stories.gguf'))
    writeFileSync(join(folder, 'text.txt'), text)
    bench = startBench({ node: process.execPath, args: SOURCES }, signal)
  })
  afterAll(() => {
    bench.close()
    rmSync(folder, { recursive: true })
  })

  it.each(QUANTIZATIONS)('in %s has the perplexity that llama-perplexity finds', async (to) => {
    const words = ['models', 'quantize', 'stories.gguf', '--to', to, '--again', '--json']
    const env = { SOTTO_LLAMA_QUANTIZE: quantizer! }
    const made = await runInMemory([modelsQuantize], words, { cwd: folder, env })
    expect(made.stderr).toBe('')
    const { file } = JSON.parse(made.stdout) as { file: string }
    const ours = await measureModel(
      bench,
      await openBenchModel(folder, file, signal),
      { text, recordings: undefined, chunkTokens: 512, promptTokens: 64, generateTokens: 16, threads: 1 },
      () => {},
    )
    if (ours.kind !== 'text') throw new Error('unreachable')
    expect(ours).toMatchObject({ quantization: to, chunks: 3 })
    expect(ours.bitsPerWeight).toBeLessThan(MAX_BITS[to])
    const theirs = llamaPerplexity(perplexity!, file, join(folder, 'text.txt'), 512)
    process.stdout.write(`${to}: ${ours.perplexity.toFixed(4)} here, ${theirs} by llama-perplexity\n`)
    expect(Math.abs(ours.perplexity / theirs - 1)).toBeLessThan(0.005)
  })
})
