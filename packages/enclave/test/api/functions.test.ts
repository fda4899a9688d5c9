import { describe, expect, it } from 'vitest'
import { scriptedApi } from './scripted.ts'
import { post } from './support.ts'

const chat = '/v1/chat/completions'
const messages = [{ role: 'user', content: 'go' }]
const tools = ['a', 'b', 'c'].map((name) => ({ type: 'function', function: { name } }))
const functions = [{ name: 'f', description: 'F', parameters: { type: 'object' } }]
const called = { calls: [['f', '{"x":', '1}']], end: 'tool-calls' } as const

const refusal = async (body: object, path: string = chat): Promise<unknown> => {
  const response = await scriptedApi({}).api(post(path, body))
  const { error } = (await response.json()) as { error?: { param: unknown } }
  return [response.status, error?.param]
}

describe('functions, as they were before tools', () => {
  it('are asked of the engine as tools, one call at most', async () => {
    const { api, asked } = scriptedApi(called)
    const response = await api(post(chat, { messages, functions, function_call: { name: 'f' } }))
    expect(asked[0]).toMatchObject({
      tools: [{ name: 'f', description: 'F', parameters: { type: 'object' } }],
      toolChoice: { name: 'f' },
      parallelToolCalls: false,
    })
    const { choices } = (await response.json()) as { choices: object[] }
    expect(choices).toEqual([
      {
        index: 0,
        message: {
          role: 'assistant',
          content: null,
          refusal: null,
          function_call: { name: 'f', arguments: '{"x":1}' },
        },
        logprobs: null,
        finish_reason: 'function_call',
      },
    ])
  })

  it('stream their call in pieces', async () => {
    const { api } = scriptedApi(called)
    const text = await (await api(post(chat, { messages, functions, stream: true }))).text()
    const deltas = text
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => (JSON.parse(line.slice(6)) as { choices: [object] }).choices[0])
    expect(deltas.slice(1)).toEqual([
      { index: 0, delta: { function_call: { name: 'f', arguments: '' } }, finish_reason: null },
      { index: 0, delta: { function_call: { arguments: '{"x":' } }, finish_reason: null },
      { index: 0, delta: { function_call: { arguments: '1}' } }, finish_reason: null },
      { index: 0, delta: {}, finish_reason: 'function_call' },
    ])
  })

  it('are known from the conversation: a call, and what came of it', async () => {
    const { api, asked } = scriptedApi({ text: ['ok'] })
    const turns = [
      ...messages,
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } },
      { role: 'function', name: 'f', content: 'sunny' },
    ]
    await api(post(chat, { messages: turns, functions, function_call: 'none' }))
    expect(asked[0]!.toolChoice).toBe('none')
    expect(asked[0]!.messages!.slice(1)).toEqual([
      { role: 'assistant', content: '', toolCalls: [{ id: 'call_1', name: 'f', arguments: '{}' }] },
      { role: 'tool', content: 'sunny', toolCallId: 'call_1' },
    ])
  })

  it.each([
    ['together with tools', { functions, tools }, 'functions'],
    ['two of one name', { functions: [...functions, ...functions] }, 'functions'],
    ['a wrong name', { functions: [{ name: 'a b' }] }, 'functions.0.name'],
    ['a call of none', { function_call: { name: 'f' } }, 'function_call'],
    ['a call of an unknown one', { functions, function_call: { name: 'g' } }, 'function_call'],
    ['a choice that is none', { functions, function_call: 'required' }, 'function_call'],
    ['a result without a call', { messages: [{ role: 'function', name: 'f', content: '1' }] }, 'messages'],
    [
      'a call by the user',
      { messages: [{ role: 'user', content: '', function_call: { name: 'f', arguments: '{}' } }] },
      'messages',
    ],
    ['a million', { functions: Array.from({ length: 100_000 }, () => 1) }, 'functions'],
  ])('%s are refused by name', async (_what, body, param) => {
    expect(await refusal({ messages, ...body })).toEqual([400, param])
  })
})

describe('allowed_tools', () => {
  it.each([
    [chat, { messages, tools }, { allowed_tools: { mode: 'required', tools: [tools[2], tools[0]] } }],
    [
      '/v1/responses',
      { input: 'go', tools: ['a', 'b', 'c'].map((name) => ({ type: 'function', name })) },
      {
        mode: 'required',
        tools: [
          { type: 'function', name: 'a' },
          { type: 'function', name: 'c' },
        ],
      },
    ],
  ])('of %s are the only ones that may be called', async (path, body, choice) => {
    const request = { ...body, tool_choice: { type: 'allowed_tools', ...choice } }
    const { api, asked } = scriptedApi({ calls: [['c', '{}']], end: 'tool-calls' })
    expect((await api(post(path, request))).status).toBe(200)
    expect(asked[0]).toMatchObject({ toolChoice: 'required', tools: [{ name: 'a' }, { name: 'c' }] })
    const other = scriptedApi({ calls: [['b', '{}']], end: 'tool-calls' })
    expect((await other.api(post(path, request))).status).toBe(503)
  })

  it.each([
    {},
    { allowed_tools: { mode: 'none', tools: [tools[0]] } },
    { allowed_tools: { mode: 'auto', tools: [] } },
    { allowed_tools: { mode: 'auto', tools: [{ type: 'web_search' }] } },
    { allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'd' } }] } },
  ])('of %j are refused', async (choice) => {
    const body = { messages, tools, tool_choice: { type: 'allowed_tools', ...choice } }
    expect(await refusal(body)).toEqual([400, 'tool_choice'])
  })
})
