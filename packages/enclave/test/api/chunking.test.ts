import OpenAI, { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { readOptions } from '../../src/api/audio/params.ts'
import { fakeApi } from './support.ts'

const read = (fields: Record<string, string>): ReturnType<typeof readOptions>['params'] =>
  readOptions(new Map(Object.entries(fields).map(([name, value]) => [name, [value]])), 'transcribe').params

describe('chunking_strategy', () => {
  it('is left to the engine where it is not given', () => {
    expect(read({})).not.toHaveProperty('voiceActivity')
  })

  it('auto means the defaults, and each field of server_vad changes one of them', () => {
    const defaults = { threshold: 0.5, prefixPaddingMs: 300, silenceDurationMs: 500 }
    expect(read({ chunking_strategy: 'auto' }).voiceActivity).toEqual(defaults)
    expect(read({ chunking_strategy: '{"type":"server_vad"}' }).voiceActivity).toEqual(defaults)
    for (const [field, value, change] of [
      ['threshold', 0.9, { threshold: 0.9 }],
      ['prefix_padding_ms', 0, { prefixPaddingMs: 0 }],
      ['silence_duration_ms', 200, { silenceDurationMs: 200 }],
    ] as const) {
      const strategy = JSON.stringify({ type: 'server_vad', [field]: value })
      expect(read({ chunking_strategy: strategy }).voiceActivity).toEqual({ ...defaults, ...change })
    }
  })

  it('comes field by field, as the OpenAI SDK writes an object', () => {
    expect(
      read({
        'chunking_strategy[type]': 'server_vad',
        'chunking_strategy[threshold]': '0.25',
        'chunking_strategy[silence_duration_ms]': '700',
      }).voiceActivity,
    ).toEqual({ threshold: 0.25, prefixPaddingMs: 300, silenceDurationMs: 700 })
  })

  it('reaches the engine from the OpenAI SDK', async () => {
    const { api, asked } = fakeApi()
    const openai = new OpenAI({
      apiKey: 'unused',
      baseURL: 'https://inference.sotto/v1',
      fetch: async (url, init) => api(new Request(url, init)),
    })
    await openai.audio.transcriptions.create({
      file: await toFile(Buffer.alloc(100), 'a.wav'),
      model: 'listener',
      keywords: ['Sotto'],
      chunking_strategy: { type: 'server_vad', threshold: 0.7, silence_duration_ms: 300 },
    })
    expect(asked.transcribe[0]!.params).toMatchObject({
      hotwords: ['Sotto'],
      voiceActivity: { threshold: 0.7, prefixPaddingMs: 300, silenceDurationMs: 300 },
    })
  })

  it.each([
    ['another word', { chunking_strategy: 'never' }],
    ['nothing', { chunking_strategy: '' }],
    ['another type', { chunking_strategy: '{"type":"semantic_vad"}' }],
    ['an unknown field', { chunking_strategy: '{"type":"server_vad","eagerness":"low"}' }],
    ['a threshold of 1.5', { chunking_strategy: '{"type":"server_vad","threshold":1.5}' }],
    ['a threshold of text', { chunking_strategy: '{"type":"server_vad","threshold":"0.5"}' }],
    ['half a millisecond', { chunking_strategy: '{"type":"server_vad","prefix_padding_ms":0.5}' }],
    ['a negative padding', { chunking_strategy: '{"type":"server_vad","prefix_padding_ms":-1}' }],
    ['no silence', { chunking_strategy: '{"type":"server_vad","silence_duration_ms":0}' }],
    ['an hour of silence', { chunking_strategy: '{"type":"server_vad","silence_duration_ms":3600000}' }],
    ['NaN', { chunking_strategy: '{"type":"server_vad","threshold":NaN}' }],
    ['a list', { chunking_strategy: '[]' }],
    ['two ways at once', { chunking_strategy: 'auto', 'chunking_strategy[type]': 'server_vad' }],
    ['fields without a type', { 'chunking_strategy[threshold]': '0.5' }],
    [
      'a field that is no number',
      { 'chunking_strategy[type]': 'server_vad', 'chunking_strategy[threshold]': 'x' },
    ],
  ])('%s is refused by its name', (_, fields) => {
    expect(() => read(fields)).toThrow(
      expect.objectContaining({ code: 'API_INVALID', param: 'chunking_strategy' }),
    )
  })
})

it('a streamed transcript is asked for early, another is not', () => {
  expect(read({ stream: 'true' }).early).toBe(true)
  expect(read({})).not.toHaveProperty('early')
})

it.each(['known_speaker_names', 'known_speaker_names[]', 'known_speaker_references[]', 'languages[]'])(
  '%s is refused by its name',
  (name) => {
    expect(() => read({ [name]: 'agent' })).toThrow(
      expect.objectContaining({ code: 'API_UNSUPPORTED', param: name.replace('[]', '') }),
    )
  },
)

it('hotwords and keywords are both words that are likely', () => {
  expect(read({ hotwords: 'Sotto, KMS,', 'keywords[]': 'enclave' }).hotwords).toEqual([
    'Sotto',
    'KMS',
    'enclave',
  ])
  expect(read({})).not.toHaveProperty('hotwords')
  expect(() => read({ 'keywords[]': 'x'.repeat(200) })).toThrow(
    expect.objectContaining({ code: 'API_INVALID', param: 'keywords' }),
  )
})
