import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWhisperEngine } from '../../../src/engines/whisper/index.ts'
import type {
  Engine,
  TranscribeParams,
  TranscriptEvent,
  TranscriptSegment,
} from '../../../src/engines/index.ts'
import { fixtureModel, modelFile } from '../fixtures/model.ts'
import { samplesOf, type Sound } from '../fixtures/tones.ts'

const ENGLISH: Sound = {
  seconds: 2.98,
  seed: 21,
  said: [
    { start: 0.2, lang: 'en', words: [1, 2, 3] },
    { start: 1.5, lang: 'en', words: [7, 8] },
  ],
}
const GERMAN: Sound = { seconds: 2.98, seed: 22, said: [{ start: 0.4, lang: 'de', words: [4, 5, 6, 7] }] }

let engine: Engine
let words: Engine

beforeAll(async () => {
  engine = createWhisperEngine()
  const info = await engine.load(fixtureModel('whisper', 'whisper', 'transcription'))
  expect(info).toEqual({ concurrency: 1, operations: ['transcribe', 'tokenize'], contextTokens: 96 })
  words = createWhisperEngine()
  await words.load(fixtureModel('whisper-words', 'whisper', 'transcription'))
})
afterAll(async () => {
  await engine.close()
  await words.close()
})

async function* inBlocks(samples: Float32Array, size = 4096): AsyncGenerator<Float32Array> {
  for (let at = 0; at < samples.length; at += size) yield samples.subarray(at, at + size)
}

async function transcribe(
  audio: AsyncIterable<Float32Array> | Sound,
  params: TranscribeParams = {},
  by: Engine = engine,
): Promise<{
  events: TranscriptEvent[]
  segments: TranscriptSegment[]
  done: TranscriptEvent & { type: 'done' }
}> {
  const source = 'seed' in audio ? inBlocks(samplesOf(audio)) : audio
  const events: TranscriptEvent[] = []
  for await (const event of by.transcribe!(source, params, new AbortController().signal)) events.push(event)
  const segments = events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []))
  return { events, segments, done: events.at(-1) as TranscriptEvent & { type: 'done' } }
}

test('gives a delta and a segment for each stretch of speech, then the whole', async () => {
  const { events, segments, done } = await transcribe(ENGLISH)
  expect(events.map(({ type }) => type)).toEqual(['delta', 'segment', 'delta', 'segment', 'done'])
  expect(done).toMatchObject({ text: 'one two three seven eight', language: 'en', durationSeconds: 2.98 })
  expect(events.map((event) => (event.type === 'delta' ? event.text : '')).join('')).toBe(done.text)
  expect(segments.map(({ id, seek, start, end, text }) => ({ id, seek, start, end, text }))).toEqual([
    { id: 0, seek: 0, start: 0.2, end: 0.94, text: ' one two three' },
    { id: 1, seek: 0, start: 1.5, end: 1.98, text: ' seven eight' },
  ])
  for (const segment of segments) {
    expect(segment.temperature).toBe(0)
    expect(segment.avgLogprob).toBeGreaterThan(-0.2)
    expect(segment.noSpeechProb).toBeLessThan(0.1)
    expect(segment.compressionRatio).toBeGreaterThan(0)
  }
  expect(done.usage).toEqual({ inputTokens: 3, outputTokens: 12 })
})

test('does not depend on the size of the blocks', async () => {
  const samples = samplesOf(ENGLISH)
  const one = await transcribe(inBlocks(samples, samples.length))
  const many = await transcribe(inBlocks(samples, 37))
  expect(many.events).toEqual(one.events)
})

test('hears which language it is, takes the one it is told, and translates', async () => {
  expect((await transcribe(GERMAN)).done).toMatchObject({ language: 'de', text: 'vier fünf sechs sieben' })
  const translated = await transcribe(GERMAN, { language: 'de', task: 'translate', beams: 4 })
  expect(translated.done.text).toBe('four five six seven')
})

test('gives the probability of every text token', async () => {
  const [segment] = (await transcribe(GERMAN, { logprobs: true })).segments
  expect(segment!.logprobs!.map(({ text }) => text).slice(0, 2)).toEqual([' vier', ' f'])
  for (const { logprob } of segment!.logprobs!) expect(logprob).toBeLessThanOrEqual(0)
})

test('times words where the export lets it', async () => {
  const { segments } = await transcribe(ENGLISH, { wordTimestamps: true }, words)
  const timed = segments.flatMap(({ words }) => words!)
  expect(timed.map(({ word }) => word)).toEqual([' one', ' two', ' three', ' seven', ' eight'])
  for (const [i, { start, end, probability }] of timed.entries()) {
    expect(end).toBeGreaterThanOrEqual(start)
    expect(start).toBeGreaterThanOrEqual(timed[i - 1]?.end ?? 0)
    expect(probability).toBeGreaterThan(0.5)
  }
})

test('decodes a window as soon as it is heard, not when the recording ends', async () => {
  const samples = samplesOf({ ...ENGLISH, seconds: 9 })
  let given = 0
  async function* live(): AsyncGenerator<Float32Array> {
    for await (const block of inBlocks(samples, 1600)) {
      given += block.length
      yield block
    }
  }
  const events = engine.transcribe!(live(), {}, new AbortController().signal)[Symbol.asyncIterator]()
  expect((await events.next()).value).toMatchObject({ type: 'delta', text: 'one two three' })
  expect(given / 16_000).toBeLessThan(3.3)
  await events.return?.()
})

test.each([
  ['no sound', new Float32Array(0), 0],
  ['less than a frame', new Float32Array(100), 0.00625],
])('answers with nothing for %s', async (_, samples, durationSeconds) => {
  const { events } = await transcribe(inBlocks(samples))
  expect(events).toEqual([
    { type: 'done', text: '', language: 'en', durationSeconds, usage: { inputTokens: 0, outputTokens: 0 } },
  ])
})

test.each<[string, TranscribeParams, string]>([
  ['a language it does not know', { language: 'fr' }, 'ENGINE_INPUT'],
  ['no temperature', { temperatures: [] }, 'ENGINE_INPUT'],
  ['a negative temperature', { temperatures: [-1] }, 'ENGINE_INPUT'],
  ['too many beams', { beams: 100 }, 'ENGINE_INPUT'],
  ['word timestamps it cannot give', { wordTimestamps: true }, 'ENGINE_UNSUPPORTED'],
])('refuses %s', async (_, params, code) => {
  await expect(transcribe(ENGLISH, params)).rejects.toMatchObject({ code })
})

test('stops when the caller aborts', async () => {
  const events = engine.transcribe!(inBlocks(samplesOf(ENGLISH)), {}, AbortSignal.abort())
  await expect(events[Symbol.asyncIterator]().next()).rejects.toThrow()
})

test('special tokens written in a prompt are text, not tokens', async () => {
  const { done } = await transcribe(ENGLISH, { prompt: '<|endoftext|><|de|> eight', hotwords: ['nine'] })
  expect(done.language).toBe('en')
  // <|startofprev|>, `nine`, a space, `eight`, and start, language and task.
  expect(done.usage.inputTokens).toBe(7)
})

describe('a model that does not fit together', () => {
  const load = (name: string, text: string): Promise<unknown> => {
    const model = fixtureModel('whisper', 'whisper', 'transcription')
    const files = new Map(model.files)
    files.set(name, modelFile(name, new TextEncoder().encode(text)))
    return createWhisperEngine().load({ ...model, files })
  }
  test.each([
    ['config.json', '{}'],
    ['config.json', '{"num_mel_bins":1e9}'],
    ['generation_config.json', '{"lang_to_id":{"<|en|>":"one"}}'],
    ['generation_config.json', '{"lang_to_id":[]}'],
    ['generation_config.json', '{"suppress_tokens":["a"]}'],
    ['generation_config.json', '{"alignment_heads":[[1]]}'],
    ['generation_config.json', '{"no_timestamps_token_id":0}'],
    ['tokenizer.json', '{"model":{"type":"Nope"}}'],
    ['encoder_model.onnx', 'nope'],
  ])('is refused with %s %s', async (name, text) => {
    await expect(load(name, text)).rejects.toMatchObject({ code: 'ENGINE_MODEL_INVALID' })
  })
})
