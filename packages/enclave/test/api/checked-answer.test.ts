import { describe, expect, it } from 'vitest'
import { scriptedApi, type Script } from './scripted.ts'
import { post } from './support.ts'

const schema = {
  type: 'object',
  properties: { n: { type: 'integer', minimum: 1 } },
  required: ['n'],
  additionalProperties: false,
}
const messages = [{ role: 'user', content: 'go' }]
const json = { messages, response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } }
const tool = { messages, tools: [{ type: 'function', function: { name: 'f', parameters: schema } }] }
const older = { messages, functions: [{ name: 'f', parameters: schema }] }
const flat = { input: 'go', text: { format: { type: 'json_schema', name: 'a', schema } } }
const one = { type: 'function', function: { name: 'f' } }
const flatTool = { input: 'go', tools: [{ type: 'function', name: 'f', parameters: schema }] }
const twice: Script = {
  calls: [
    ['f', '{"n":1}'],
    ['f', '{"n":2}'],
  ],
  end: 'tool-calls',
}
const chat = '/v1/chat/completions'

const ask = async (script: Script, path: string, body: object): Promise<[number, string]> => {
  const response = await scriptedApi(script).api(post(path, body))
  return [response.status, await response.text()]
}

describe('an answer that its engine did not hold in its form', () => {
  const wrong: [string, Script, string, object][] = [
    ['breaks its schema', { text: ['{"n":', '0}'] }, chat, json],
    ['has more than its schema', { text: ['{"n":1,"secret":2}'] }, chat, json],
    ['is no JSON', { text: ['{"n":1'] }, chat, json],
    ['is JSON with words around', { text: ['Sure: {"n":1}'] }, chat, json],
    ['is empty', {}, chat, json],
    ['is no object', { text: ['[]'] }, chat, { messages, response_format: { type: 'json_object' } }],
    ['breaks the schema of a response', { text: ['{"n":"1"}'] }, '/v1/responses', flat],
    ['calls with other arguments', { calls: [['f', '{"n":', '0}']], end: 'tool-calls' }, chat, tool],
    ['calls what was not offered', { calls: [['g', '{"n":1}']], end: 'tool-calls' }, chat, tool],
    ['calls a function with other arguments', { calls: [['f', '{}']], end: 'tool-calls' }, chat, older],
    [
      'calls another than it must',
      { calls: [['f', '{"n":1}']], end: 'tool-calls' },
      chat,
      {
        ...tool,
        tools: [...tool.tools, { type: 'function', function: { name: 'g' } }],
        tool_choice: { type: 'function', function: { name: 'g' } },
      },
    ],
    ['calls, where it may not', { calls: [['f', '{"n":1}']] }, chat, { ...tool, tool_choice: 'none' }],
    [
      'calls, where there is nothing to call',
      { calls: [['f', '{}']], end: 'tool-calls' },
      chat,
      { messages },
    ],
    ['does not call, and must', { text: ['no'] }, chat, { ...tool, tool_choice: 'required' }],
    ['does not call its one tool, and must', {}, chat, { ...tool, tool_choice: one }],
    [
      'does not call its function, and must',
      { text: ['no'] },
      chat,
      { ...older, function_call: { name: 'f' } },
    ],
    ['calls twice at once', twice, chat, { ...tool, parallel_tool_calls: false }],
    ['calls two functions', twice, chat, older],
    [
      'calls twice at once in a response',
      twice,
      '/v1/responses',
      { ...flatTool, parallel_tool_calls: false },
    ],
    [
      'does not call in a response',
      { text: ['no'] },
      '/v1/responses',
      { ...flatTool, tool_choice: 'required' },
    ],
    [
      'was cut, but has a wrong call that was not',
      {
        calls: [
          ['f', '{"n":0}'],
          ['f', '{"n'],
        ],
        end: 'length',
      },
      chat,
      tool,
    ],
  ]

  it.each(wrong)('and %s is an error, never a document', async (_what, script, path, body) => {
    const [status, text] = await ask(script, path, body)
    expect([status, JSON.parse(text)]).toMatchObject([503, { error: { code: 'api_answer_invalid' } }])
    expect(text).not.toMatch(/secret|"n/)
  })

  it('says of a call that may not be there nothing about its arguments', async () => {
    const [, script, path, body] = wrong.find(([what]) => what === 'calls another than it must')!
    const [, text] = await ask(script, path, body)
    expect(JSON.parse(text)).toMatchObject({
      error: { message: 'the answer calls what it may not; ask again' },
    })
  })

  it.each(wrong)('and %s has no end in a stream', async (_what, script, path, body) => {
    const response = await scriptedApi(script).api(post(path, { ...body, stream: true }))
    if (response.status !== 200) {
      // It had not begun.
      expect([response.status, script.text]).toEqual([503, undefined])
      return
    }
    const reader = response.body!.getReader()
    let text = ''
    const readAll = async (): Promise<void> => {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        text += new TextDecoder().decode(read.value)
    }
    await expect(readAll()).rejects.toMatchObject({ code: 'API_ANSWER_INVALID' })
    expect(text).not.toMatch(/\[DONE\]|response\.completed|"finish_reason":"/)
    expect(text).toContain('"code":"api_answer_invalid"')
  })

  it.each<[string, Script, string, object]>([
    ['is right', { text: [' {"n":', '7}'] }, chat, json],
    ['is right in a response', { text: ['{"n":7}'] }, '/v1/responses', flat],
    ['is cut by the limit', { text: ['{"n":'], end: 'length' }, chat, json],
    ['calls as it may', { calls: [['f', '{"n":1}']], end: 'tool-calls' }, chat, tool],
    ['says something before it calls', { text: ['Well.'], calls: [['f', '{"n":1}']] }, chat, tool],
    ['calls twice where it may', twice, chat, tool],
    ['does not call, and need not', { text: ['no'] }, chat, tool],
    ['is cut before it called', { text: ['I'], end: 'length' }, chat, { ...tool, tool_choice: 'required' }],
    ['is free', { text: ['anything'] }, chat, { messages }],
    ['calls in the older way', { calls: [['f', '{"n":1}']], end: 'tool-calls' }, chat, older],
    [
      'calls without arguments',
      { calls: [['f', '']], end: 'tool-calls' },
      chat,
      { messages, tools: [{ type: 'function', function: { name: 'f' } }] },
    ],
  ])('and %s is given', async (_what, script, path, body) => {
    expect((await ask(script, path, body))[0]).toBe(200)
  })

  it.each([
    ['with tool_choice none', { ...tool, tool_choice: 'none' }],
    ['without tools', { messages }],
  ])('and calls %s says no word of the call in a stream', async (_what, body) => {
    const [status, text] = await ask(twice, chat, { ...body, stream: true })
    expect([status, text]).toEqual([503, expect.stringContaining('api_answer_invalid')])
  })

  it('takes no longer to check for being many answers', async () => {
    const pattern = { type: 'string', pattern: '^a*(?:a?){900}$' }
    const body = {
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: pattern } },
    }
    const script = { text: [JSON.stringify('a'.repeat(200))] }
    expect((await ask(script, chat, { ...body, n: 1 }))[0]).toBe(200)
    const [status, text] = await ask(script, chat, { ...body, n: 8 })
    expect([status, text]).toEqual([400, expect.stringContaining('so much to check')])
  })

  it('is not asked for where its schema could not be checked: the field is named', async () => {
    const strange = { type: 'object', properties: { a: { type: 'number', multipleOf: 2 } } }
    for (const [path, body, param] of [
      [
        chat,
        { messages, response_format: { type: 'json_schema', json_schema: { schema: strange } } },
        'response_format',
      ],
      [
        chat,
        { messages, tools: [{ type: 'function', function: { name: 'f', parameters: strange } }] },
        'tools',
      ],
      [chat, { messages, functions: [{ name: 'f', parameters: strange }] }, 'functions'],
      ['/v1/responses', { input: 'a', text: { format: { type: 'json_schema', schema: strange } } }, 'text'],
    ] as const) {
      const { api, asked } = scriptedApi({ text: ['{}'] })
      const response = await api(post(path, body))
      const { error } = (await response.json()) as { error: { param: string; message: string } }
      expect([response.status, error.param, asked]).toEqual([400, param, []])
      expect(error.message).toContain('multipleOf')
    }
  })
})
