import OpenAI, { BadRequestError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testdataMissing } from '../engines/testdata.ts'
import { openRealApi, type RealApi } from './real-models.ts'

const missing = testdataMissing()
const messages = [{ role: 'user', content: 'Once upon a time' }] as const
const parameters = {
  type: 'object',
  properties: { city: { type: 'string', maxLength: 12 }, days: { type: 'integer', minimum: 1, maximum: 7 } },
  required: ['city', 'days'],
  additionalProperties: false,
}
const weather: OpenAI.ChatCompletionTool = { type: 'function', function: { name: 'weather', parameters } }

describe.skipIf(missing !== undefined)('the OpenAI SDK against a real model', () => {
  let real: RealApi
  let openai: OpenAI
  beforeAll(async () => {
    real = await openRealApi()
    openai = new OpenAI({
      apiKey: 'unused',
      baseURL: 'https://inference.sotto/v1',
      maxRetries: 0,
      fetch: async (url, init) => real.api(new Request(url, init)),
    })
  }, 60_000)
  afterAll(() => real?.close())

  const hot = { model: 'story', temperature: 2, messages: [...messages], max_completion_tokens: 200 }

  it('calls a tool, is told the result, and goes on', async () => {
    const request = {
      ...hot,
      tools: [weather],
      tool_choice: { type: 'function', function: { name: 'weather' } },
    } satisfies OpenAI.ChatCompletionCreateParams
    const answer = await openai.chat.completions.create({ ...request, seed: 1 })
    const [choice] = answer.choices
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, role: 'assistant' },
    })
    const [call] = choice!.message.tool_calls!
    if (call?.type !== 'function') throw new Error('no call')
    expect(call).toMatchObject({
      id: expect.stringMatching(/^call_[0-9a-f]{24}$/),
      function: { name: 'weather' },
    })
    const given = JSON.parse(call.function.arguments) as { city: string; days: number }
    expect(Object.keys(given)).toEqual(['city', 'days'])
    expect(given.days).toBeGreaterThanOrEqual(1)
    const next = await openai.chat.completions.create({
      ...hot,
      temperature: 0,
      max_completion_tokens: 5,
      messages: [...messages, choice!.message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }],
    })
    expect(next.choices[0]!.message.content).not.toBe('')
  })

  it('calls a function in the older way, and only what may be called of many tools', async () => {
    const functions = [{ name: 'weather', parameters }]
    const older = await openai.chat.completions.create({
      ...hot,
      seed: 2,
      functions,
      function_call: { name: 'weather' },
    })
    expect(older.choices[0]).toMatchObject({
      finish_reason: 'function_call',
      message: { content: null, function_call: { name: 'weather' } },
    })
    const tools = ['a', 'b', 'c'].map((name) => ({ type: 'function' as const, function: { name } }))
    const names = new Set<string>()
    for (let seed = 0; seed < 4; seed++) {
      const answer = await openai.chat.completions.create({
        ...hot,
        seed,
        tools,
        tool_choice: {
          type: 'allowed_tools',
          allowed_tools: { mode: 'required', tools: [tools[1]!, tools[2]!] },
        },
      })
      for (const call of answer.choices[0]!.message.tool_calls ?? [])
        names.add(call.type === 'function' ? call.function.name : '')
    }
    expect([...names].filter((name) => !['b', 'c'].includes(name))).toEqual([])
    expect(names.size).toBeGreaterThan(0)
  })

  it('streams the same calls that the whole answer has, piece by piece', async () => {
    const request = {
      ...hot,
      tools: [weather],
      tool_choice: 'required' as const,
      seed: 3,
    }
    const whole = await openai.chat.completions.create(request)
    const calls: { name: string; arguments: string }[] = []
    let pieces = 0
    for await (const chunk of await openai.chat.completions.create({ ...request, stream: true })) {
      for (const delta of chunk.choices[0]?.delta.tool_calls ?? []) {
        pieces++
        const call = (calls[delta.index] ??= { name: '', arguments: '' })
        call.name += delta.function?.name ?? ''
        call.arguments += delta.function?.arguments ?? ''
      }
    }
    const functions = whole.choices[0]!.message.tool_calls!.map(
      (call) => (call as { function: unknown }).function,
    )
    expect(calls).toEqual(functions)
    expect(pieces).toBeGreaterThan(calls.length + 3)
    const runner = openai.chat.completions.stream(request)
    expect((await runner.finalChatCompletion()).choices[0]!.message.tool_calls).toHaveLength(calls.length)
  })

  it('parses JSON of a schema, at temperature 2, choice by choice', async () => {
    const response_format = {
      type: 'json_schema',
      json_schema: { name: 'trip', strict: true, schema: parameters },
    } as const
    const answer = await openai.chat.completions.parse({ ...hot, response_format, n: 3, seed: 2 })
    expect(answer.choices.map(({ index, finish_reason }) => [index, finish_reason])).toEqual([
      [0, 'stop'],
      [1, 'stop'],
      [2, 'stop'],
    ])
    const texts = answer.choices.map(({ message }) => message.content!)
    expect(new Set(texts).size).toBe(3)
    for (const { message } of answer.choices)
      expect(message.parsed).toMatchObject({ days: expect.any(Number) })
    // Choice 1 has the next seed.
    const second = await openai.chat.completions.create({ ...hot, response_format, seed: 3 })
    expect(second.choices[0]!.message.content).toBe(texts[1])
    expect(answer.usage!.prompt_tokens).toBe(second.usage!.prompt_tokens)
  })

  it('says length where the limit cut the JSON', async () => {
    const response_format = {
      type: 'json_schema',
      json_schema: { name: 'trip', schema: parameters },
    } as const
    const answer = await openai.chat.completions.create({ ...hot, response_format, max_completion_tokens: 3 })
    expect(answer.choices[0]!.finish_reason).toBe('length')
    expect(() => JSON.parse(answer.choices[0]!.message.content!) as unknown).toThrow(SyntaxError)
  })

  it('streams several choices, each whole and in order', async () => {
    const request = { ...hot, n: 6, seed: 5, max_completion_tokens: 12 }
    const whole = await openai.chat.completions.create(request)
    const texts: string[] = Array.from({ length: 6 }, () => '')
    const ends: string[] = []
    const stream = await openai.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    })
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const { choices, usage: given } of stream) {
      usage = given
      for (const { index, delta, finish_reason } of choices) {
        texts[index] += delta.content ?? ''
        if (finish_reason) ends[index] = finish_reason
      }
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content))
    expect(ends).toEqual(whole.choices.map(({ finish_reason }) => finish_reason))
    expect(usage).toEqual(whole.usage)
  })

  it('completes several prompts, echoes them, and gives the best of many', async () => {
    const request = { model: 'filler', prompt: ['Once', 'The dog'], max_tokens: 4, temperature: 0 }
    const answer = await openai.completions.create({ ...request, echo: true, logprobs: 1 })
    expect(answer.choices.map(({ text }) => text.split(' ')[0])).toEqual(['Once', 'The'])
    for (const { logprobs, text } of answer.choices) {
      expect(logprobs!.tokens!.join('').trim()).toBe(text.trim())
      expect(logprobs!.token_logprobs!.every((logprob) => logprob < 0)).toBe(true)
    }
    const mean = async (best_of: number): Promise<number> => {
      const best = await openai.completions.create({
        ...request,
        temperature: 2,
        seed: 1,
        best_of,
        logprobs: 0,
        prompt: 'Once',
      })
      const logprobs = best.choices[0]!.logprobs!.token_logprobs!
      return logprobs.reduce((sum, one) => sum + one, 0) / logprobs.length
    }
    expect(await mean(8)).toBeGreaterThan(await mean(1))
  })

  it('fills the middle where the model can, and refuses suffix by name where it cannot', async () => {
    const request = { prompt: 'Once', suffix: 'The end.', max_tokens: 4 }
    expect((await openai.completions.create({ ...request, model: 'filler' })).choices).toHaveLength(1)
    const refused = openai.completions.create({ ...request, model: 'story' })
    await expect(refused).rejects.toMatchObject({ code: 'api_unsupported', param: 'suffix' })
  })

  it.each([
    [
      'a schema keyword',
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'a', schema: { type: 'string', pattern: '(?=x)' } },
        },
      },
      'response_format',
    ],
    [
      'a keyword in a tool',
      { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'object', not: {} } } }] },
      'tools',
    ],
    ['a stop text with JSON', { response_format: { type: 'json_object' }, stop: 'x' }, 'stop'],
  ])('refuses %s that cannot be kept, by the name of the field', async (_what, fields, param) => {
    const refused = openai.chat.completions.create({ ...hot, ...(fields as object) })
    await expect(refused).rejects.toMatchObject({ code: 'api_unsupported', param })
  })

  it('refuses a prompt beyond the context with both numbers', async () => {
    const long = openai.chat.completions.create({
      ...hot,
      messages: [{ role: 'user', content: 'word '.repeat(2000) }],
    })
    const error: unknown = await long.catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ code: 'context_length_exceeded' })
    expect((error as Error).message).toMatch(/the prompt has \d{4} tokens, the context of this model 512 for/)
  })
})
