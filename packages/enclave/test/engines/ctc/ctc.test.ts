import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeAudioHere } from '../../../src/audio/decode-here.ts'
import { type EngineHost, type EngineProcess, readModelDirectory } from '../../../src/engines/host/index.ts'
import type { TranscribeParams, TranscriptEvent } from '../../../src/engines/types.ts'
import { errorRate } from '../../../../client/src/quality/index.ts'
import { codeOf } from '../host/fake-model.ts'
import { openRealHost, startWeights } from '../real-engines.ts'
import { MODELS, testdata, testdataMissing } from '../testdata.ts'

const missing = testdataMissing()

const MODEL = join(MODELS, 'sotto-ctc-synthetic-en')

let host: EngineHost
let engine: EngineProcess

beforeAll(async () => {
  host = await openRealHost()
  engine = await host.start(readModelDirectory(MODEL))
})

afterAll(() => host?.close())

async function* once<T>(value: T): AsyncGenerator<T, void> {
  yield value
}

async function transcribe(
  audio: AsyncIterable<Float32Array>,
  params: TranscribeParams = {},
): Promise<TranscriptEvent[]> {
  const events: TranscriptEvent[] = []
  for await (const event of engine.transcribe(audio, params)) events.push(event)
  return events
}

function doneOf(events: readonly TranscriptEvent[]): Extract<TranscriptEvent, { type: 'done' }> {
  const last = events.at(-1)
  if (last?.type !== 'done') throw new Error('the last event is not done')
  return last
}

const wav = (index: number): AsyncIterable<Float32Array> =>
  decodeAudioHere(once(testdata(`asr-synthetic/wavs/${index}.wav`)))

describe.skipIf(missing !== undefined)('on synthetic speech of unseen voices and an unseen book', () => {
  const references = missing
    ? []
    : (JSON.parse(new TextDecoder().decode(testdata('asr-synthetic/wavs/ref.json'))) as string[])

  it('reaches the recorded character error rate', async () => {
    const texts: string[] = []
    for (const index of references.keys()) texts.push(doneOf(await transcribe(wav(index))).text)
    const cer = errorRate(texts.map((text, i) => [[...text], [...references[i]!]]))
    const { syntheticCer } = JSON.parse(readFileSync(join(MODEL, 'quality.json'), 'utf8')) as {
      syntheticCer: number
    }
    // Kernels of other processors round differently, by far less than what two texts differ in.
    expect(cer).toBeCloseTo(syntheticCer, 3)
  })

  it('says when each word was spoken, in order and inside its segment', async () => {
    const events = await transcribe(wav(1), { wordTimestamps: true, logprobs: true })
    const { text, durationSeconds, language, usage } = doneOf(events)
    expect(text).toBe('it was the water at')
    expect(language).toBe('en')
    const segment = events.find((event) => event.type === 'segment')!.segment
    expect(segment.words!.map(({ word }) => word)).toEqual(text.split(' '))
    const times = segment.words!.flatMap(({ start, end }) => [start, end])
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[0]).toBeGreaterThanOrEqual(segment.start)
    expect(times.at(-1)).toBeLessThanOrEqual(segment.end)
    expect(segment.end).toBeLessThanOrEqual(durationSeconds)
    expect(segment.logprobs).toHaveLength(usage.outputTokens)
    expect(usage.inputTokens).toBeGreaterThan(10)
  })

  it('transcribes a long recording segment by segment, with times from its beginning', async () => {
    async function* several(): AsyncGenerator<Float32Array, void> {
      for (const index of [1, 2, 3, 2, 1]) {
        yield* wav(index)
        yield new Float32Array(2 * 16_000)
      }
    }
    const events = await transcribe(several())
    const segments = events.filter((event) => event.type === 'segment').map((event) => event.segment)
    expect(segments).toHaveLength(5)
    expect(segments.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4])
    for (const index of [0, 4]) expect(segments[index]!.text).toContain('it was the wat')
    expect(segments[4]!.start).toBeGreaterThan(segments[3]!.end + 1.5)
    const deltas = events.filter((event) => event.type === 'delta').map((event) => event.text)
    expect(deltas.join('')).toBe(doneOf(events).text)
    expect(doneOf(events).durationSeconds).toBeGreaterThan(10)
  })

  it('hears what is there whatever a prompt or a temperature asks, and says how sure it is that it is speech', async () => {
    const plain = await transcribe(wav(0))
    const asked = await transcribe(wav(0), { prompt: 'Dr. Smith', hotwords: ['Smith'], temperatures: [0.7] })
    expect(asked).toEqual(plain)
    const segments = plain.flatMap((event) => (event.type === 'segment' ? [event.segment] : []))
    expect(segments.length).toBeGreaterThan(0)
    for (const { noSpeechProb, temperature } of segments) {
      expect(noSpeechProb).toBeLessThan(0.01)
      expect(temperature).toBe(0)
    }
  })
})

describe('the graph of the default model', () => {
  // With int8 arithmetic the words depend on the processor: some kernels saturate. ONNX Runtime computes so for
  // DequantizeLinear too, where a MatMul follows.
  it.each(['Integer', 'QuantizeLinear', 'DequantizeLinear', 'QLinear'])('has no operator %s', (operator) => {
    const { files } = readModelDirectory(MODEL).manifest
    const weights = readFileSync(join(MODEL, files.find(({ role }) => role === 'weights')!.name))
    expect(weights.includes(operator)).toBe(false)
  })
})

describe('without speech', () => {
  it('answers silence and nothing at all with no text', async () => {
    expect(await transcribe(once(new Float32Array(48_000)))).toEqual([
      {
        type: 'done',
        text: '',
        language: 'en',
        durationSeconds: 3,
        usage: { inputTokens: 0, outputTokens: 0 },
      },
    ])
    expect(doneOf(await transcribe(once(new Float32Array(0)))).durationSeconds).toBe(0)
  })

  it('survives a click shorter than its convolutions', async () => {
    const click = new Float32Array(200).fill(0.9)
    expect(doneOf(await transcribe(once(click))).durationSeconds).toBeCloseTo(0.0125)
  })
})

describe('refusals', () => {
  it('does not translate, and does not pretend to know another language', async () => {
    expect(await codeOf(transcribe(once(new Float32Array(10)), { task: 'translate' }))).toBe(
      'ENGINE_UNSUPPORTED',
    )
    expect(await codeOf(transcribe(once(new Float32Array(10)), { language: 'de' }))).toBe(
      'ENGINE_UNSUPPORTED',
    )
    expect(await codeOf(transcribe(once(new Float32Array(10)), { language: 'en' }))).toBe('no error')
  })

  it('does not load what is no ONNX graph', async () => {
    expect(
      await codeOf(startWeights(host, { engine: 'ctc', task: 'transcription' }, new Uint8Array(100))),
    ).toBe('ENGINE_MODEL_INVALID')
  })
})
