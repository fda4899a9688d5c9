import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sotto } from '@sotto/client'
import { createSeq2SeqEngine } from '../../packages/enclave/src/engines/seq2seq/index.ts'
import { createWhisperEngine } from '../../packages/enclave/src/engines/whisper/index.ts'
import type { Engine, EngineName, ModelTask } from '../../packages/enclave/src/engines/index.ts'
import { fixtureModel } from '../../packages/enclave/test/engines/fixtures/model.ts'
import { fixtureJson } from '../../packages/enclave/test/engines/fixtures/read.ts'
import { samplesOf, type Sound } from '../../packages/enclave/test/engines/fixtures/tones.ts'
import { decodeAudioHere } from '../../packages/enclave/src/audio/decode-here.ts'
import { openHub, pullModel } from '../../packages/cli/src/models/index.ts'
import { fixtureRepository, startHub } from '../../packages/cli/test/models/hub-server.ts'
import { clientOf, startTestStack, type TestStack } from './support.ts'

/** Trained or random for tests only; what matters is that the whole stack computes what torch computes. */
const MODELS = ['whisper', 't5', 'bart', 'bert', 'wav2vec2'] as const

let models: string
let stack: TestStack
let sotto: Sotto

beforeAll(async () => {
  models = mkdtempSync(join(tmpdir(), 'sotto-tiny-'))
  const hub = await startHub(
    Object.fromEntries(MODELS.map((name) => [`tiny/${name}`, fixtureRepository(name)])),
  )
  for (const name of MODELS) {
    const repository = `tiny/${name}`
    await pullModel({
      hub: openHub({ url: hub.url, repository, revision: 'main', fetch }),
      id: repository,
      root: models,
      signal: AbortSignal.timeout(20_000),
      createProgress: () => ({ advance: () => {}, end: () => {} }),
    })
  }
  hub.close()
  stack = await startTestStack({ extraModels: [models] })
  sotto = await clientOf(stack)
})
afterAll(async () => {
  await stack?.close()
  rmSync(models, { recursive: true, force: true })
})

async function inProcess<T>(
  create: () => Engine,
  folder: string,
  engine: EngineName,
  task: ModelTask,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const made = create()
  try {
    await made.load(fixtureModel(folder, engine, task))
    return await use(made)
  } finally {
    await made.close()
  }
}

async function textOf(events: AsyncIterable<{ type: string; text?: string }>): Promise<string> {
  let text = ''
  for await (const event of events) if (event.type === 'delta') text += event.text ?? ''
  return text
}

/** 32-bit float WAV, so that random weights hear exactly the samples that torch heard. */
function wavOf(samples: Float32Array): Buffer<ArrayBuffer> {
  const wav = Buffer.alloc(44 + samples.length * 4)
  wav.write('RIFF', 0, 'latin1')
  wav.writeUInt32LE(36 + samples.length * 4, 4)
  wav.write('WAVEfmt ', 8, 'latin1')
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(3, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(16_000, 24)
  wav.writeUInt32LE(64_000, 28)
  wav.writeUInt16LE(4, 32)
  wav.writeUInt16LE(32, 34)
  wav.write('data', 36, 'latin1')
  wav.writeUInt32LE(samples.length * 4, 40)
  for (const [i, sample] of samples.entries()) wav.writeFloatLE(sample, 44 + i * 4)
  return wav
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T, void> {
  yield* values
}

async function post(path: string, body: BodyInit): Promise<Record<string, unknown>> {
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  const response = await sotto.fetch(`${sotto.baseURL}${path}`, { method: 'POST', headers, body })
  const value = (await response.json()) as Record<string, unknown>
  expect([response.status, value['error']]).toEqual([200, undefined])
  return value
}

describe('models pulled from a hub and served by the whole stack', () => {
  it('stand beside the default ones', async () => {
    const response = await sotto.fetch(`${sotto.baseURL}/models`)
    const { data } = (await response.json()) as { data: { id: string }[] }
    const ids = data.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining(MODELS.map((name) => `tiny/${name}`)))
    expect(ids).toEqual(expect.arrayContaining(['sotto-ctc-synthetic-en', 'sotto-tiny-story-en']))
  })

  describe.each(['t5', 'bart'])('%s', (folder) => {
    const { summary } = fixtureJson<{ summary: { text: string; tokens: number[]; decoded: string }[] }>(
      folder,
      'expected.json',
    )
    it('summarises to the tokens of transformers and the text of its engine', async () => {
      const direct = await inProcess(
        createSeq2SeqEngine,
        folder,
        'seq2seq',
        'summarization',
        async (engine) => {
          const texts: string[] = []
          for (const { text } of summary)
            texts.push(await textOf(engine.summarize!({ text }, new AbortController().signal)))
          return texts
        },
      )
      for (const [i, { text, tokens, decoded }] of summary.entries()) {
        const answer = await post('/summaries', JSON.stringify({ model: `tiny/${folder}`, input: text }))
        expect(answer['summary']).toBe(decoded)
        expect(answer['summary']).toBe(direct[i])
        expect(answer['usage']).toMatchObject({ completion_tokens: tokens.length - 1 })
      }
    })
  })

  it('whisper transcribes to the text of its engine, segment by segment', async () => {
    const { short } = fixtureJson<{ short: { sounds: Sound[] } }>('whisper', 'expected.json')
    const said = ['one two three seven eight', 'vier fünf sechs sieben']
    for (const [i, sound] of short.sounds.slice(0, 2).entries()) {
      const wav = wavOf(samplesOf(sound))
      const form = new FormData()
      form.append('file', new Blob([wav]), 'tones.wav')
      form.append('model', 'tiny/whisper')
      form.append('response_format', 'verbose_json')
      const answer = await post('/audio/transcriptions', form)
      const direct = await inProcess(
        createWhisperEngine,
        'whisper',
        'whisper',
        'transcription',
        async (engine) => {
          const signal = new AbortController().signal
          const events = engine.transcribe!(decodeAudioHere(each([new Uint8Array(wav)])), {}, signal)
          return Array.fromAsync(events)
        },
      )
      const segments = direct.flatMap((event) => (event.type === 'segment' ? [event.segment] : []))
      expect(answer['text']).toBe(await textOf(each(direct)))
      expect(answer['text']).toBe(said[i])
      expect((answer['segments'] as { tokens: number[] }[]).map(({ tokens }) => tokens)).toEqual(
        segments.map(({ tokens }) => tokens),
      )
    }
  })

  it('bert gives the vectors of transformers', async () => {
    const { cases } = fixtureJson<{ cases: { text: string; vector: number[] }[] }>('bert', 'expected.json')
    const input = cases.map(({ text }) => text)
    const { data } = await post('/embeddings', JSON.stringify({ model: 'tiny/bert', input }))
    for (const [i, { vector }] of cases.entries()) {
      const { embedding } = (data as { embedding: number[] }[])[i]!
      for (const [k, value] of vector.entries()) expect(embedding[k]).toBeCloseTo(value, 3)
    }
  })

  it('wav2vec2 spells what transformers spells', async () => {
    const { cases } = fixtureJson<{ cases: { sound: Sound; text: string }[] }>('wav2vec2', 'expected.json')
    for (const { sound, text } of cases) {
      const form = new FormData()
      form.append('file', new Blob([wavOf(samplesOf(sound))]), 'tones.wav')
      form.append('model', 'tiny/wav2vec2')
      expect((await post('/audio/transcriptions', form))['text']).toBe(text)
    }
  })
})
