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

describe('chat completions', () => {
  it('answer the OpenAI SDK in one piece', async () => {
    const { api } = fakeApi()
    const answer = await sdk(api).chat.completions.create({
      model: 'talker',
      messages: [{ role: 'user', content: 'hi' }],
    })
    expect(answer.choices[0]).toMatchObject({
      message: { role: 'assistant', content: 'Hello there' },
      finish_reason: 'stop',
    })
    expect(answer.usage).toEqual({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 })
  })

  it('stream to the OpenAI SDK with the role first and the usage last', async () => {
    const { api } = fakeApi()
    const stream = await sdk(api).chat.completions.create({
      model: 'talker',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await Array.fromAsync(stream)
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant')
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Hello there')
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop')
    expect(chunks.at(-1)!.usage?.total_tokens).toBe(5)
  })

  it('end the event stream with [DONE] and announce the model inside the process only', async () => {
    const { api } = fakeApi()
    const response = await api(
      post('/v1/chat/completions', {
        model: 'talker',
        messages: [{ role: 'user', content: 'hi' }],
        stream: true,
      }),
    )
    expect(modelDigestOf(response)).toBe('d'.repeat(64))
    expect([...response.headers.keys()].sort()).toEqual(['cache-control', 'content-type'])
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/)
  })

  it('pass every sampling field to the engine', async () => {
    const { api, asked } = fakeApi()
    const fields = {
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.1,
      seed: 7,
      frequency_penalty: 1,
      presence_penalty: -1,
      logit_bias: { 5: -100 },
    }
    await api(
      post('/v1/chat/completions', {
        ...fields,
        model: 'talker',
        max_completion_tokens: 9,
        stop: 'X',
        logprobs: true,
        top_logprobs: 3,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }],
      }),
    )
    expect(asked.generate[0]).toEqual({
      messages: [{ role: 'user', content: 'a' }],
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        minP: 0.1,
        seed: 7,
        frequencyPenalty: 1,
        presencePenalty: -1,
        logitBias: { 5: -100 },
      },
      maxTokens: 9,
      stop: ['X'],
      logprobs: 3,
    })
  })

  it('abort the engine when the reader leaves', async () => {
    const { api, asked } = fakeApi()
    const response = await api(
      post('/v1/chat/completions', {
        model: 'talker',
        messages: [{ role: 'user', content: 'forever' }],
        stream: true,
      }),
    )
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    expect(asked.aborted).toBe(1)
  })

  it('ask for four choices at once at most, and abort them all when the reader leaves', async () => {
    const { api, asked } = fakeApi()
    const messages = [{ role: 'user', content: 'forever' }]
    const response = await api(
      post('/v1/chat/completions', { model: 'talker', messages, n: 9, stream: true }),
    )
    const reader = response.body!.getReader()
    for (let i = 0; i < 20; i++) await reader.read()
    expect(asked.generate).toHaveLength(4)
    await reader.cancel()
    expect(asked.aborted).toBe(4)
  })

  it('fail as a whole, and abort the others, when one choice fails', async () => {
    const { api, asked } = fakeApi()
    const body = { model: 'talker', prompt: ['forever', 'forever', 'crash'] }
    const response = await api(post('/v1/completions', body))
    expect([response.status, await response.json()]).toMatchObject([
      503,
      { error: { code: 'engine_crashed' } },
    ])
    expect(asked.aborted).toBe(3)
  })

  it.each([
    [
      'more choices than 128 with prompts multiplied',
      { prompt: Array.from({ length: 65 }, () => 'a'), n: 2 },
      'n',
    ],
    ['fewer tries than choices', { prompt: 'a', n: 2, best_of: 1 }, 'best_of'],
  ])('refuse %s', async (_what, fields, param) => {
    const { api, asked } = fakeApi()
    const response = await api(post('/v1/completions', { model: 'talker', ...fields }))
    expect(await response.json()).toMatchObject({ error: { param, code: 'api_invalid' } })
    expect(asked.generate).toEqual([])
  })

  it('refuse the best of many in a stream by name', async () => {
    const { api } = fakeApi()
    const response = await api(
      post('/v1/completions', { model: 'talker', prompt: 'a', best_of: 2, stream: true }),
    )
    expect(await response.json()).toMatchObject({ error: { param: 'best_of', code: 'api_unsupported' } })
  })

  it('never let an engine failure look like a complete answer', async () => {
    const { api } = fakeApi()
    const response = await api(
      post('/v1/chat/completions', {
        model: 'talker',
        messages: [{ role: 'user', content: 'crash' }],
        stream: true,
      }),
    )
    const seen: string[] = []
    const read = async (): Promise<void> => {
      for await (const chunk of response.body!) seen.push(new TextDecoder().decode(chunk))
    }
    await expect(read()).rejects.toMatchObject({ code: 'ENGINE_CRASHED' })
    expect(seen.at(-1)).toContain('"error":{')
    expect(seen.join('')).not.toContain('[DONE]')
  })

  it('refuse before the stream starts with an HTTP error', async () => {
    const { api } = fakeApi()
    const response = await api(
      post('/v1/chat/completions', {
        model: 'talker',
        messages: [{ role: 'user', content: 'too long' }],
        stream: true,
      }),
    )
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { type: 'invalid_request_error', code: 'context_length_exceeded' },
    })
  })

  it.each([
    ['tools that are no functions', { tools: [{ type: 'custom', custom: { name: 'f' } }] }, 'tools'],
    ['answers to keep', { store: true }, 'store'],
    ['searches', { web_search_options: {} }, 'web_search_options'],
    ['a picture', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages'],
    ['spoken answers', { modalities: ['audio'] }, 'modalities'],
  ])('refuse %s by the name of the field', async (_what, fields, param) => {
    const { api } = fakeApi()
    const response = await api(
      post('/v1/chat/completions', {
        model: 'talker',
        messages: [{ role: 'user', content: 'hi' }],
        ...fields,
      }),
    )
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param, code: 'api_unsupported' } })
  })

  it.each([
    ['no messages', { model: 'talker', messages: [] }, 'messages'],
    [
      'a wrong temperature',
      { model: 'talker', messages: [{ role: 'user', content: 'x' }], temperature: 3 },
      'temperature',
    ],
    ['a wrong role', { model: 'talker', messages: [{ role: 'ghost', content: 'x' }] }, 'messages.0.role'],
  ])('refuse %s', async (_what, body, param) => {
    const { api } = fakeApi()
    const response = await api(post('/v1/chat/completions', body))
    expect(await response.json()).toMatchObject({ error: { param, code: 'api_invalid' } })
  })

  it('refuse nesting that would overflow a stack, and count no bracket in a text', async () => {
    const { api } = fakeApi()
    const body = { model: 'talker', messages: [{ role: 'user', content: '[{'.repeat(500) }] }
    expect((await api(post('/v1/chat/completions', body))).status).toBe(200)
    const deep = `{"tools":${'[{"a":'.repeat(200_000)}`
    const request = new Request('https://inference.sotto/v1/chat/completions', { method: 'POST', body: deep })
    expect(await (await api(request)).json()).toMatchObject({
      error: { message: 'the request body is nested deeper than 128', code: 'api_invalid' },
    })
  })

  it('say 404 for a model that does not exist', async () => {
    const { api } = fakeApi()
    const response = await api(
      post('/v1/chat/completions', { model: 'gpt-9', messages: [{ role: 'user', content: 'hi' }] }),
    )
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'model_not_found', param: 'model' } })
  })
})
