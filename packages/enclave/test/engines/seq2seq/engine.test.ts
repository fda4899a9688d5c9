import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSeq2SeqEngine } from '../../../src/engines/seq2seq/index.ts'
import type { Engine, SummarizeRequest, TextEvent } from '../../../src/engines/index.ts'
import { fixtureModel, modelFile } from '../fixtures/model.ts'
import { fixtureJson } from '../fixtures/read.ts'

interface Expected {
  texts: string[]
  inputs: number[][]
  summary: { text: string; tokens: number[]; decoded: string }[]
}

const signal = new AbortController().signal

async function summary(
  engine: Engine,
  request: SummarizeRequest,
): Promise<{ text: string; events: TextEvent[] }> {
  const events: TextEvent[] = []
  for await (const event of engine.summarize!(request, signal)) events.push(event)
  return { text: events.map((event) => (event.type === 'delta' ? event.text : '')).join(''), events }
}

describe.each(['t5', 'bart'])('%s', (folder) => {
  const expected = fixtureJson<Expected>(folder, 'expected.json')
  let engine: Engine
  beforeAll(async () => {
    engine = createSeq2SeqEngine()
    const info = await engine.load(fixtureModel(folder, 'seq2seq', 'summarization'))
    expect(info).toMatchObject({ concurrency: 1, operations: ['summarize', 'tokenize'] })
  })
  afterAll(() => engine.close())

  test('makes the token ids that transformers makes', async () => {
    for (const [i, text] of expected.texts.entries())
      expect(await engine.tokenize!(text)).toEqual(expected.inputs[i])
  })

  test('summarises as transformers does with the settings of the family', async () => {
    for (const { text, tokens, decoded } of expected.summary) {
      const { text: got, events } = await summary(engine, { text })
      expect(got).toBe(decoded)
      expect(events.at(-1)).toMatchObject({ type: 'done', usage: { outputTokens: tokens.length - 1 } })
    }
  })

  test('gives the same draws for the same seed, others for another', async () => {
    const text = expected.texts[3]!
    const draw = async (seed: number): Promise<string> =>
      (await summary(engine, { text, sampling: { temperature: 1.5, seed } })).text
    expect(await draw(1)).toBe(await draw(1))
    expect(new Set([await draw(1), await draw(2), await draw(3)]).size).toBeGreaterThan(1)
  })

  test('keeps the bounds of the request', async () => {
    const text = expected.texts[7]!
    const { events } = await summary(engine, { text, maxWords: 6, minWords: 3, beams: 2 })
    const usage = events.at(-1)!
    expect(usage).toMatchObject({ type: 'done', finishReason: 'length' })
    // 6 words are 8 tokens and the end.
    expect(usage.type === 'done' && usage.usage.outputTokens).toBeLessThanOrEqual(9)
  })

  test.each([
    ['an empty text', { text: ' \n' }, 'ENGINE_INPUT'],
    ['contradicting bounds', { text: 'a', minWords: 5, maxWords: 4 }, 'ENGINE_INPUT'],
    ['negative bounds', { text: 'a', maxWords: -1 }, 'ENGINE_INPUT'],
    ['too many beams', { text: 'a', beams: 17 }, 'ENGINE_INPUT'],
    ['half a beam', { text: 'a', beams: 1.5 }, 'ENGINE_INPUT'],
    ['a temperature out of range', { text: 'a', sampling: { temperature: 3 } }, 'ENGINE_INPUT'],
    ['beams and a temperature', { text: 'a', beams: 2, sampling: { temperature: 1 } }, 'ENGINE_UNSUPPORTED'],
    ['far too long a text', { text: 'a'.repeat(2_000_001) }, 'ENGINE_CONTEXT_OVERFLOW'],
  ])('refuses %s', async (_, request, code) => {
    await expect(summary(engine, request)).rejects.toMatchObject({ code })
  })

  test('stops when the caller aborts', async () => {
    const events = engine.summarize!({ text: expected.texts[0]! }, AbortSignal.abort())
    await expect(events[Symbol.asyncIterator]().next()).rejects.toThrow()
  })
})

describe('a long text', () => {
  const text = 'the dog was in the ship. '.repeat(200)
  let engine: Engine
  beforeAll(async () => {
    engine = createSeq2SeqEngine()
    await engine.load(fixtureModel('t5', 'seq2seq', 'summarization'))
  })
  afterAll(() => engine.close())

  test('is summarised in pieces of 500 tokens, one delta each', async () => {
    const { events } = await summary(engine, { text, beams: 2 })
    const tokens = (await engine.tokenize!(text)).length
    const done = events.at(-1)!
    expect(events.length - 1).toBe(Math.ceil(tokens / 500))
    // Every piece has the prefix and the end token of its own.
    expect(done.type === 'done' && done.usage.inputTokens).toBeGreaterThan(tokens)
  })
})

describe('a model that does not fit together', () => {
  test.each(['encoder_model.onnx', 'decoder_model.onnx', 'config.json', 'tokenizer.json'])(
    'is refused without %s',
    async (file) => {
      const model = fixtureModel('t5', 'seq2seq', 'summarization', [file])
      await expect(createSeq2SeqEngine().load(model)).rejects.toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
    },
  )

  test('works without the graph for later steps, only slower', async () => {
    const whole = createSeq2SeqEngine()
    const slow = createSeq2SeqEngine()
    await whole.load(fixtureModel('t5', 'seq2seq', 'summarization'))
    await slow.load(fixtureModel('t5', 'seq2seq', 'summarization', ['decoder_with_past_model.onnx']))
    const request = { text: 'a cat and a dog.' }
    expect((await summary(slow, request)).text).toBe((await summary(whole, request)).text)
    await whole.close()
    await slow.close()
  })

  test.each([
    ['JSON that is none', '{'],
    ['a list', '[]'],
    ['an end token that is text', '{"eos_token_id":"</s>"}'],
    ['a negative start token', '{"decoder_start_token_id":-1}'],
    ['beams beyond all bounds', '{"num_beams":1000000}'],
    ['bad words that are no lists', '{"bad_words_ids":[1]}'],
    ['an unknown early stopping', '{"early_stopping":"maybe"}'],
  ])('is refused with a generation_config.json of %s', async (_, text) => {
    const model = fixtureModel('t5', 'seq2seq', 'summarization')
    const files = new Map(model.files)
    files.set('generation_config.json', modelFile('generation_config.json', new TextEncoder().encode(text)))
    await expect(createSeq2SeqEngine().load({ ...model, files })).rejects.toMatchObject({
      code: 'ENGINE_MODEL_INVALID',
    })
  })
})
