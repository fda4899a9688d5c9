import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { modelsBench } from '../../../src/commands/models/bench.ts'
import {
  type BenchInputs,
  type BenchProcess,
  measureModel,
  openBenchModel,
  openRecordings,
  startBench,
} from '../../../src/models/bench/index.ts'
import { runInMemory } from '../../support/memory-io.ts'

const at = (path: string): string => fileURLToPath(new URL(`../../../../../${path}`, import.meta.url))
const STORIES = at('models/sotto-tiny-story-en/sotto-tiny-story-en.gguf')
const SPEECH = at('models/sotto-ctc-synthetic-en')
const NOTE = at('models/demo/session-note.wav')
const SOURCES = ['packages/enclave/src/bench/main.ts', 'packages/enclave/src/engines/worker/main.ts'].map(at)
const { signal } = new AbortController()
const INPUTS: BenchInputs = {
  text: 'The Mole had been working very hard all the morning. '.repeat(40),
  recordings: undefined,
  chunkTokens: 64,
  promptTokens: 32,
  generateTokens: 8,
  threads: 1,
}
let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'sotto-bench-'))))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the engines of the product', () => {
  let bench: BenchProcess
  beforeAll(() => void (bench = startBench({ node: process.execPath, args: SOURCES }, signal)))
  afterAll(() => bench.close())

  it('measure a text model, and read on after one they refuse', async () => {
    const broken = join(folder, 'broken.gguf')
    writeFileSync(broken, Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(64)]))
    await expect(openBenchModel(folder, broken, signal)).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    const model = await openBenchModel(folder, STORIES, signal)
    const short = { ...INPUTS, text: 'The Mole had been working.' }
    await expect(measureModel(bench, model, short, () => {})).rejects.toMatchObject({
      code: 'BENCH_FAILED',
      found: 'ENGINE_INPUT',
    })
    const chunks: number[] = []
    const figures = await measureModel(bench, model, INPUTS, (done) => chunks.push(done))
    expect(figures).toMatchObject({
      kind: 'text',
      file: 'sotto-tiny-story-en.gguf',
      quantization: 'q8_0',
      bytes: 2_983_392,
      contextTokens: 256,
      chunkTokens: 64,
      chunks: chunks.length,
      scoredTokens: 31 * chunks.length,
    })
    if (figures.kind !== 'text') throw new Error('unreachable')
    expect(figures.memoryBytes).toBeGreaterThan(figures.bytes)
    expect(figures.msPerToken).toBeGreaterThan(0)
    expect(figures.promptTokensPerSecond).toBeGreaterThan(0)
    // The same sentence again and again is no riddle, and no model of this size knows it by heart.
    expect(figures.perplexity).toBeGreaterThan(1)
    expect(figures.perplexity).toBeLessThan(2048)
  })

  it('measure a speech model by what is said', async () => {
    const model = await openBenchModel(folder, SPEECH, signal)
    const said = 'please call doctor miller before the weekend'
    const recordings = await openRecordings(folder, NOTE, said)
    const figures = await measureModel(bench, model, { ...INPUTS, recordings }, () => {})
    if (figures.kind !== 'speech') throw new Error('unreachable')
    expect(figures).toMatchObject({ file: 'sotto-ctc-synthetic-en', quantization: 'ctc', recordings: 1 })
    expect(figures.audioSeconds).toBeGreaterThan(1)
    expect(figures.realTimeFactor).toBeGreaterThan(0)
    expect(figures.wordErrorRate).toBeGreaterThan(0)
    await expect(measureModel(bench, model, INPUTS, () => {})).rejects.toMatchObject({ code: 'CLI_USAGE' })
  })
})

describe('a process that does not do its work', () => {
  let bench: BenchProcess | undefined
  afterEach(() => bench?.close())
  const start = (code: string, stop = signal): BenchProcess => {
    const file = join(folder, 'other.mjs')
    writeFileSync(file, code)
    bench = startBench({ node: process.execPath, args: [file] }, stop)
    return bench
  }

  it('is named with its last words when it ends', async () => {
    const ended = start('console.error("no library"); process.exit(3)').run({}, () => {})
    await expect(ended).rejects.toMatchObject({
      code: 'ROLE_FAILED',
      message: 'the process that measures ended: exit code 3',
      found: 'no library',
    })
  })

  it('is not believed', async () => {
    await expect(start('console.log("hello")').run({}, () => {})).rejects.toMatchObject({
      code: 'ROLE_FAILED',
    })
  })

  it('ends when the user interrupts', async () => {
    const stop = new AbortController()
    const running = start('setInterval(() => {}, 1000)', stop.signal).run({}, () => {})
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'CLI_CANCELLED' })
  })
})

describe('recordings', () => {
  const put = (name: string, files: Record<string, string>): string => {
    mkdirSync(join(folder, name))
    copyFileSync(NOTE, join(folder, name, '0.wav'))
    for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, name, file), content)
    return join(folder, name)
  }

  it('come with what is said in them, by name or by number', async () => {
    const list = put('list', { 'ref.json': '["one"]' })
    expect(await openRecordings('/', list, undefined)).toEqual({
      paths: [join(list, '0.wav')],
      references: ['one'],
    })
    const named = put('named', { 'b.flac': 'x', 'ref.json': '{"b.flac": "two", "0.wav": "one"}' })
    expect(await openRecordings('/', named, undefined)).toEqual({
      paths: [join(named, 'b.flac'), join(named, '0.wav')],
      references: ['two', 'one'],
    })
    const bare = put('bare', { 'notes.txt': 'x' })
    expect(await openRecordings('/', bare, undefined)).toEqual({ paths: [join(bare, '0.wav')] })
  })

  it.each([
    ['that is not JSON', '['],
    ['with a number', '[1]'],
    ['without a word', '["..."]'],
    ['with a name that leads out of the folder', '{"../0.wav": "one"}'],
    ['with a name of no recording', '{"0.txt": "one"}'],
    ['of nothing', '{}'],
    ['that is a text', '"one"'],
  ])('are refused with a ref.json %s', async (_, content) => {
    const name = put(`refused ${content.replaceAll('/', '')}`, { 'ref.json': content })
    await expect(openRecordings('/', name, undefined)).rejects.toMatchObject({ code: 'CLI_FILE' })
  })
})

describe('the command', () => {
  it.each([
    ['a file that is no model', ['README.md'], 'is no model that can be measured'],
    ['a model of another task', [at('models/sotto-hash-embed')], 'is no model that can be measured'],
    ['a speech model without recordings', [SPEECH], 'a speech model is measured on recordings'],
    ['words without a recording', [STORIES, '--reference', 'one'], '--reference says what is in a recording'],
    ['a file that is not there', ['none.gguf'], 'cannot read'],
  ])('refuses %s before it starts anything', async (_, argv, message) => {
    const { code, stderr } = await runInMemory([modelsBench], ['models', 'bench', ...argv], { cwd: folder })
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})
