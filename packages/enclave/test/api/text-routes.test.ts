import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { modelDigestOf } from '../../src/api/index.ts'
import { fakeApi, post } from './support.ts'

const sdk = (api: (request: Request) => Promise<Response>): OpenAI =>
  new OpenAI({
    apiKey: 'unused',
    baseURL: 'https://inference.sotto/v1',
    maxRetries: 0,
    fetch: async (url, init) => api(new Request(url, init)),
  })

describe('the other text routes', () => {
  it('complete a prompt', async () => {
    const { api } = fakeApi()
    const answer = await sdk(api).completions.create({ model: 'talker', prompt: 'Once', max_tokens: 4 })
    expect(answer.choices[0]!.text).toBe('Hello there')
  })

  it('give log-probabilities of a streamed completion the places they have in the whole', async () => {
    const { api } = fakeApi()
    const request = { model: 'talker', prompt: 'Once', logprobs: 1 }
    const whole = (await sdk(api).completions.create(request)).choices[0]!.logprobs!
    expect(whole).toEqual({
      tokens: ['Hello', ' there'],
      token_logprobs: [-2, -0.5],
      // The sampled token is there, also where it was not the likeliest.
      top_logprobs: [{ Hi: -0.1, Hello: -2 }, { ' there': -0.5 }],
      text_offset: [0, 5],
    })
    const chunks = await Array.fromAsync(await sdk(api).completions.create({ ...request, stream: true }))
    const streamed = chunks.flatMap(({ choices }) => choices[0]?.logprobs ?? [])
    expect(streamed.flatMap(({ tokens }) => tokens)).toEqual(whole.tokens)
    expect(streamed.flatMap(({ text_offset }) => text_offset)).toEqual(whole.text_offset)
    expect(streamed.flatMap(({ top_logprobs }) => top_logprobs)).toEqual(whole.top_logprobs)
  })

  it('refuse more dimensions than the model has by the name of the field', async () => {
    const { api } = fakeApi()
    const body = { model: 'namespace/embedder', input: 'a' }
    expect((await api(post('/v1/embeddings', { ...body, dimensions: 8 }))).status).toBe(200)
    const response = await api(post('/v1/embeddings', { ...body, dimensions: 9 }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'dimensions', code: 'api_invalid' } })
  })

  it('embed through the SDK, as floats and as base64', async () => {
    const { api } = fakeApi()
    const asBase64 = await sdk(api).embeddings.create({ model: 'namespace/embedder', input: ['a', 'b'] })
    const asFloats = await sdk(api).embeddings.create({
      model: 'namespace/embedder',
      input: 'a',
      encoding_format: 'float',
      dimensions: 2,
    })
    expect(asBase64.data.map(({ embedding }) => embedding)).toEqual([
      [0.5, 0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5, 0.5],
    ])
    expect(asFloats.data[0]!.embedding).toEqual([0.5, 0.5])
  })

  it('summarise with the default model when none is named', async () => {
    const { api, asked } = fakeApi()
    const response = await api(
      post('/v1/summaries', { input: 'A long text.', min_words: 3, max_words: 9, num_beams: 8 }),
    )
    expect(await response.json()).toMatchObject({
      object: 'summary',
      summary: 'In short.',
      model: 'shortener',
    })
    expect(asked.summarize[0]).toEqual({ text: 'A long text.', minWords: 3, maxWords: 9, beams: 8 })
  })

  it('list models and show one whose name has a slash', async () => {
    const { api } = fakeApi()
    const list = await sdk(api).models.list()
    expect(list.data.map(({ id }) => id)).toEqual([
      'talker',
      'listener',
      'shortener',
      'namespace/embedder',
      'whisper-1',
      'gpt-4o-mini',
    ])
    expect((await sdk(api).models.retrieve('namespace/embedder')).id).toBe('namespace/embedder')
    expect(list.data[0]).toMatchObject({ runs_in: 'server', context_tokens: 4096 })
    expect(list.data[1]).not.toHaveProperty('context_tokens')
  })

  it('serve a model under an alias, and say whose it is', async () => {
    const { api } = fakeApi()
    expect(await sdk(api).models.retrieve('whisper-1')).toMatchObject({
      id: 'whisper-1',
      alias_of: 'listener',
      task: 'transcription',
      digest: 'd'.repeat(64),
    })
    expect(await sdk(api).models.retrieve('listener')).not.toHaveProperty('alias_of')
    const response = await api(
      post('/v1/chat/completions', { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] }),
    )
    expect(modelDigestOf(response)).toBe('d'.repeat(64))
    expect(await response.json()).toMatchObject({ model: 'talker' })
    for (const model of ['gone', 'toString', '__proto__'])
      expect((await api(post('/v1/embeddings', { model, input: 'a' }))).status).toBe(404)
  })

  it('answer an unknown route and broken JSON in the OpenAI envelope', async () => {
    const { api } = fakeApi()
    expect((await api(new Request('https://inference.sotto/v1/nothing'))).status).toBe(404)
    const broken = await api(
      new Request('https://inference.sotto/v1/completions', { method: 'POST', body: '{' }),
    )
    expect(await broken.json()).toMatchObject({
      error: { message: 'the request body is not JSON', code: 'api_invalid' },
    })
  })
})
