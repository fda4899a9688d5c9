import OpenAI, { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { fakeApi, type Asked } from './support.ts'

const upload = (fields: Record<string, string>, file: BlobPart = 'RIFF', fileFirst = false): Request => {
  const form = new FormData()
  if (fileFirst) form.append('file', new Blob([file]), 'a.wav')
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  if (!fileFirst) form.append('file', new Blob([file]), 'a.wav')
  return new Request('https://inference.sotto/v1/audio/transcriptions', { method: 'POST', body: form })
}

describe('transcriptions', () => {
  it('answer the OpenAI SDK', async () => {
    const { api, asked } = fakeApi()
    const openai = new OpenAI({
      apiKey: 'unused',
      baseURL: 'https://inference.sotto/v1',
      fetch: async (url, init) => api(new Request(url, init)),
    })
    const answer = await openai.audio.transcriptions.create({
      file: await toFile(Buffer.alloc(100), 'a.wav'),
      model: 'listener',
      language: 'EN',
      prompt: 'Dr. Smith',
      temperature: 0.2,
      response_format: 'verbose_json',
      timestamp_granularities: ['word', 'segment'],
    })
    expect(answer.text).toBe('one two three')
    expect(answer).toMatchObject({
      language: 'en',
      duration: 3662.1,
      usage: { type: 'duration', seconds: 3663 },
    })
    expect(answer.words).toEqual([{ word: 'one', start: 0, end: 0.5 }])
    expect(answer.segments).toHaveLength(2)
    expect(asked.transcribe[0]).toMatchObject({
      bytes: 100,
      params: {
        task: 'transcribe',
        language: 'en',
        prompt: 'Dr. Smith',
        temperatures: [0.2],
        wordTimestamps: true,
      },
    })
  })

  it.each([
    ['json', '{"text":"one two three","usage":{"type":"duration","seconds":3663}}'],
    ['text', 'one two three\n'],
    [
      'srt',
      '1\n00:00:00,000 --> 00:00:01,500\none two\n\n2\n01:01:01,250 --> 01:01:02,000\nthree → four\n\n',
    ],
    [
      'vtt',
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.500\none two\n\n01:01:01.250 --> 01:01:02.000\nthree → four\n\n',
    ],
  ])('come as %s', async (format, expected) => {
    const { api } = fakeApi()
    const response = await api(upload({ model: 'listener', response_format: format }))
    expect(await response.text()).toBe(expected)
  })

  it('are made by the model an alias stands for', async () => {
    const { api } = fakeApi()
    expect((await api(upload({ model: 'whisper-1' }))).status).toBe(200)
  })

  it('stream as OpenAI events', async () => {
    const { api } = fakeApi()
    const response = await api(upload({ model: 'listener', stream: 'true' }))
    const events = (await response.text())
      .split('\n\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line.slice(6)) as { type: string })
    expect(events.map(({ type }) => type)).toEqual([
      'transcript.text.delta',
      'transcript.text.segment',
      'transcript.text.delta',
      'transcript.text.segment',
      'transcript.text.done',
    ])
  })

  it('stream with the log-probabilities that were asked for, at the end', async () => {
    const { api } = fakeApi()
    const last = async (fields: Record<string, string>): Promise<unknown> => {
      const response = await api(upload({ model: 'listener', stream: 'true', ...fields }))
      return JSON.parse((await response.text()).trim().split('\n\n').at(-1)!.slice(6))
    }
    expect(await last({ 'include[]': 'logprobs' })).toMatchObject({
      type: 'transcript.text.done',
      logprobs: [],
    })
    expect(await last({})).not.toHaveProperty('logprobs')
  })

  it('accept fields after a small file', async () => {
    const { api, asked } = fakeApi()
    const response = await api(upload({ model: 'listener', response_format: 'text' }, 'RIFF', true))
    expect(await response.text()).toBe('one two three\n')
    expect(asked.transcribe[0]!.bytes).toBe(4)
  })

  it('refuse a form that is cut, and never transcribe it as whole', async () => {
    const { api, asked } = fakeApi()
    const whole = new Uint8Array(await upload({ model: 'listener' }, new Uint8Array(5000)).arrayBuffer())
    const boundary = new TextDecoder().decode(whole.subarray(2, whole.indexOf(13)))
    const cut = new Request('https://inference.sotto/v1/audio/transcriptions', {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: whole.subarray(0, whole.length - 100),
    })
    const response = await api(cut)
    expect(response.status).toBe(400)
    expect(asked.transcribe).toEqual([] satisfies Asked['transcribe'])
  })

  it.each([
    ['an unknown model', { model: 'nobody' }, 404, 'model'],
    ['a model that cannot', { model: 'talker' }, 400, 'model'],
    ['an unknown format', { model: 'listener', response_format: 'pdf' }, 400, 'response_format'],
    [
      'granularity without verbose_json',
      { model: 'listener', 'timestamp_granularities[]': 'word' },
      400,
      'timestamp_granularities',
    ],
    ['a wrong language', { model: 'listener', language: 'the English one' }, 400, 'language'],
    ['a wrong temperature', { model: 'listener', temperature: '9' }, 400, 'temperature'],
    [
      'streamed subtitles',
      { model: 'listener', stream: 'true', response_format: 'srt' },
      400,
      'response_format',
    ],
  ])('refuse %s', async (_what, fields, status, param) => {
    const { api } = fakeApi()
    const response = await api(upload(fields))
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { param } })
  })

  it('refuse a body that is no form, and a form without a file', async () => {
    const { api } = fakeApi()
    const url = 'https://inference.sotto/v1/audio/transcriptions'
    expect((await api(new Request(url, { method: 'POST', body: 'x' }))).status).toBe(400)
    const form = new FormData()
    form.append('model', 'listener')
    const response = await api(new Request(url, { method: 'POST', body: form }))
    expect(await response.json()).toMatchObject({ error: { param: 'file' } })
  })
})
