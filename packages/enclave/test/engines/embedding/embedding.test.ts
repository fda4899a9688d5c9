import { hasCode } from '@sotto/protocol/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEmbeddingEngine, parsePooling } from '../../../src/engines/embedding/index.ts'
import type { Engine, EngineInfo } from '../../../src/engines/index.ts'
import { fixtureModel } from '../fixtures/model.ts'
import { fixtureJson } from '../fixtures/read.ts'

const { cases } = fixtureJson<{ cases: { text: string; tokens: number[]; vector: number[] }[] }>(
  'bert',
  'expected.json',
)
const signal = new AbortController().signal
let engine: Engine
let info: EngineInfo

beforeAll(async () => {
  engine = createEmbeddingEngine()
  info = await engine.load(fixtureModel('bert', 'embedding', 'embedding'))
})
afterAll(() => engine.close())

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof Error && 'code' in error ? String(error.code) : 'no error'
}

test('says what it can do', () => {
  expect(info).toEqual({
    concurrency: 1,
    operations: ['embed', 'tokenize'],
    contextTokens: 64,
    dimensions: 24,
  })
})

test.each(cases)('embeds as torch does: $text', async ({ text, tokens, vector }) => {
  expect(await engine.tokenize!(text)).toEqual(tokens)
  const { vectors, usage } = await engine.embed!({ inputs: [text] }, signal)
  expect(usage).toEqual({ inputTokens: tokens.length, outputTokens: 0 })
  for (const [i, value] of vector.entries()) expect(vectors[0]![i]).toBeCloseTo(value, 4)
})

test('embeds several inputs as each alone, and token ids as their text', async () => {
  const inputs = [...cases.map(({ text }) => text), cases[0]!.tokens.slice(1, -1)]
  const { vectors } = await engine.embed!({ inputs }, signal)
  for (const [i, { text }] of cases.entries())
    expect(vectors[i]).toEqual((await engine.embed!({ inputs: [text] }, signal)).vectors[0])
  expect(vectors.at(-1)).toEqual(vectors[0])
})

test('shortens to leading dimensions of length 1', async () => {
  const [whole] = (await engine.embed!({ inputs: ['a cat'] }, signal)).vectors
  const [short] = (await engine.embed!({ inputs: ['a cat'], dimensions: 5 }, signal)).vectors
  expect(Math.hypot(...short!)).toBeCloseTo(1, 6)
  expect(short![0]! / short![4]!).toBeCloseTo(whole![0]! / whole![4]!, 4)
})

test.each([
  ['no input', { inputs: [] }, 'ENGINE_INPUT'],
  ['an empty input', { inputs: [''] }, 'ENGINE_INPUT'],
  ['an id of another model', { inputs: [[1, 1_000_000]] }, 'ENGINE_INPUT'],
  ['a negative id', { inputs: [[-1]] }, 'ENGINE_INPUT'],
  ['too many dimensions', { inputs: ['a'], dimensions: 25 }, 'ENGINE_INPUT'],
  ['no dimensions', { inputs: ['a'], dimensions: 0 }, 'ENGINE_INPUT'],
  ['an input beyond the context', { inputs: ['cat '.repeat(63)] }, 'ENGINE_CONTEXT_OVERFLOW'],
  ['an input far beyond the context', { inputs: ['cat '.repeat(100_000)] }, 'ENGINE_CONTEXT_OVERFLOW'],
])('refuses %s', async (_, request, code) => {
  expect(await codeOf(engine.embed!(request, signal))).toBe(code)
})

test('stops when the caller aborts', async () => {
  await expect(engine.embed!({ inputs: ['a'] }, AbortSignal.abort())).rejects.toThrow()
})

test.each(['config.json', 'tokenizer.json', 'model.onnx'])('refuses a model without %s', async (file) => {
  const model = fixtureModel('bert', 'embedding', 'embedding', [file])
  expect(await codeOf(createEmbeddingEngine().load(model))).toBe('ENGINE_MODEL_INVALID')
})

test('knows mean and CLS pooling and refuses others', () => {
  expect(parsePooling({})).toBe('mean')
  expect(parsePooling({ pooling_mode_mean_tokens: true, pooling_mode_max_tokens: false })).toBe('mean')
  expect(parsePooling({ pooling_mode_cls_token: true })).toBe('cls')
  const refused = (config: Record<string, unknown>): boolean => {
    try {
      parsePooling(config)
      return false
    } catch (error) {
      return hasCode(error, 'ENGINE_MODEL_INVALID')
    }
  }
  expect(refused({ pooling_mode_max_tokens: true })).toBe(true)
  expect(refused({ pooling_mode_mean_tokens: true, pooling_mode_cls_token: true })).toBe(true)
})
