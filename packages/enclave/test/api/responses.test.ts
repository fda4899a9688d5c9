import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testdataMissing } from '../engines/testdata.ts'
import { openRealApi, type RealApi } from './real-models.ts'
import { fakeApi, post } from './support.ts'

const missing = testdataMissing()
const sdk = (api: (request: Request) => Promise<Response>): OpenAI =>
  new OpenAI({
    apiKey: 'unused',
    baseURL: 'https://inference.sotto/v1',
    maxRetries: 0,
    fetch: async (url, init) => api(new Request(url, init)),
  })

describe('responses', () => {
  it('answer a text, and repeat what was asked', async () => {
    const { api, asked } = fakeApi()
    const answer = await sdk(api).responses.create({
      model: 'talker',
      input: 'hi',
      instructions: 'Be brief.',
      temperature: 0.5,
    })
    expect(answer.output_text).toBe('Hello there')
    expect(answer).toMatchObject({
      object: 'response',
      status: 'completed',
      store: false,
      temperature: 0.5,
      error: null,
    })
    expect(answer.usage).toMatchObject({ input_tokens: 3, output_tokens: 2, total_tokens: 5 })
    expect(asked.generate[0]!.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hi' },
    ])
  })

  it('take a conversation back as it was given, calls and outputs too', async () => {
    const { api, asked } = fakeApi()
    const openai = sdk(api)
    const first = await openai.responses.create({ model: 'talker', input: 'hi' })
    await openai.responses.create({
      model: 'talker',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
        ...first.output,
        { type: 'function_call', call_id: 'call_1', name: 'now', arguments: '{}' },
        { type: 'function_call', call_id: 'call_2', name: 'now', arguments: '' },
        { type: 'function_call_output', call_id: 'call_1', output: 'noon' },
      ] as OpenAI.Responses.ResponseInput,
    })
    expect(asked.generate[1]!.messages).toEqual([
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        content: 'Hello there',
        toolCalls: [
          { id: 'call_1', name: 'now', arguments: '{}' },
          { id: 'call_2', name: 'now', arguments: '{}' },
        ],
      },
      { role: 'tool', content: 'noon', toolCallId: 'call_1' },
    ])
  })

  it('stream events in their order, numbered, the last with the whole', async () => {
    const { api } = fakeApi()
    const stream = await sdk(api).responses.create({ model: 'talker', input: 'hi', stream: true })
    const events = await Array.fromAsync(stream)
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index))
    const final = await sdk(api).responses.stream({ model: 'talker', input: 'hi' }).finalResponse()
    expect(final.output_text).toBe('Hello there')
  })

  it('name their events, and never let a failure look like an end', async () => {
    const { api } = fakeApi()
    const response = await api(post('/v1/responses', { model: 'talker', input: 'crash', stream: true }))
    const seen: string[] = []
    const read = async (): Promise<void> => {
      for await (const chunk of response.body!) seen.push(new TextDecoder().decode(chunk))
    }
    await expect(read()).rejects.toMatchObject({ code: 'ENGINE_CRASHED' })
    expect(seen.join('')).toContain('event: response.created\ndata: {')
    expect(seen.at(-1)).toContain('"error":{')
    expect(seen.join('')).not.toContain('response.completed')
  })

  it.each([
    ['an answer to keep', { store: true }, 'store'],
    ['an answer before', { previous_response_id: 'resp_1' }, 'previous_response_id'],
    ['a conversation kept', { conversation: 'conv_1' }, 'conversation'],
    ['work in the background', { background: true }, 'background'],
    ['silent forgetting', { truncation: 'auto' }, 'truncation'],
    ['a search tool', { tools: [{ type: 'web_search' }] }, 'tools'],
    ['a picture', { input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input'],
    ['a reference', { input: [{ type: 'item_reference', id: 'a' }] }, 'input'],
    ['thoughts', { include: ['reasoning.encrypted_content'] }, 'include'],
  ])('refuse %s by the name of the field', async (_what, fields, param) => {
    const { api } = fakeApi()
    const response = await api(post('/v1/responses', { model: 'talker', input: 'hi', ...fields }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param, code: 'api_unsupported' } })
  })

  it.each([
    ['no input', { input: [] }, 'input'],
    ['a role that is none', { input: [{ role: 'ghost', content: 'x' }] }, 'input.0.role'],
    ['an output of no call', { input: [{ type: 'function_call_output', output: 'x' }] }, 'input.0.call_id'],
    ['a choice without tools', { input: 'x', tool_choice: 'required' }, 'tool_choice'],
  ])('refuse %s', async (_what, fields, param) => {
    const { api } = fakeApi()
    const response = await api(post('/v1/responses', { model: 'talker', ...fields }))
    expect(await response.json()).toMatchObject({ error: { param, code: 'api_invalid' } })
  })
})

describe.skipIf(missing !== undefined)('responses of a real model', () => {
  let real: RealApi
  beforeAll(async () => void (real = await openRealApi()), 60_000)
  afterAll(() => real?.close())
  const parameters = {
    type: 'object',
    properties: { n: { type: 'integer' } },
    required: ['n'],
    additionalProperties: false,
  }

  it('call functions, in one piece and in a stream', async () => {
    const request = {
      model: 'story',
      input: 'Count.',
      tools: [{ type: 'function', name: 'count', parameters, strict: true }],
      tool_choice: 'required',
      temperature: 0,
    } satisfies OpenAI.Responses.ResponseCreateParams
    const answer = await sdk(real.api).responses.create(request)
    const call = answer.output[0]!
    if (call.type !== 'function_call') throw new Error('no call')
    expect(call).toMatchObject({ name: 'count', status: 'completed' })
    expect(JSON.parse(call.arguments)).toEqual({ n: expect.any(Number) })
    const events = await Array.fromAsync(await sdk(real.api).responses.create({ ...request, stream: true }))
    const deltas = events.filter(({ type }) => type === 'response.function_call_arguments.delta')
    expect(deltas.map((event) => (event as { delta: string }).delta).join('')).toContain(call.arguments)
    expect(events.at(-1)!.type).toMatch(/^response\.(completed|incomplete)$/)
  })

  it('are JSON of a schema, and say incomplete where the limit cut them', async () => {
    const text = { format: { type: 'json_schema', name: 'n', schema: parameters } } as const
    const whole = await sdk(real.api).responses.parse({
      model: 'story',
      input: 'Count.',
      text,
      temperature: 2,
    })
    expect(whole.output_parsed).toEqual({ n: expect.any(Number) })
    const cut = await sdk(real.api).responses.create({
      model: 'story',
      input: 'Count.',
      text,
      max_output_tokens: 2,
    })
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
  })
})
