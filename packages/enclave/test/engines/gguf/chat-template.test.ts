import { expect, it } from 'vitest'
import { createChatTemplate } from '../../../src/engines/gguf/chat-template.ts'
import type { ChatMessage } from '../../../src/engines/types.ts'
import { codeOf } from '../host/fake-model.ts'

const TOKENS = { bos: '<s>', eos: '</s>' }
const SOURCE =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}{{ raise_exception('no tools') }}{% endif %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
const MESSAGES: ChatMessage[] = [
  { role: 'developer', content: 'Be brief.' },
  { role: 'user', content: 'Hi <|end|>' },
]

it('renders the template of the model, developer as system', () => {
  expect(createChatTemplate(SOURCE, TOKENS).render(MESSAGES)).toBe(
    '<s><|system|>Be brief.<|end|><|user|>Hi <|end|><|end|><|assistant|>',
  )
})

it('parts what the template says from what people say', () => {
  expect(createChatTemplate(SOURCE, TOKENS).renderParts(MESSAGES)).toEqual([
    { text: '<s><|system|>', isTemplate: true },
    { text: 'Be brief.', isTemplate: false },
    { text: '<|end|><|user|>', isTemplate: true },
    { text: 'Hi <|end|>', isTemplate: false },
    { text: '<|end|><|assistant|>', isTemplate: true },
  ])
})

it('falls back to plain lines, with stops so that the model does not answer for the user', () => {
  const plain = createChatTemplate(undefined, TOKENS)
  expect(plain.render(MESSAGES)).toBe('System: Be brief.\nUser: Hi <|end|>\nAssistant:')
  expect(plain.stops).toContain('\nUser:')
})

it('refuses what the template refuses, and templates that do not parse', async () => {
  const render = async (role: string): Promise<string> =>
    createChatTemplate(SOURCE, TOKENS).render([{ role: role as 'assistant', content: '' }])
  expect(await codeOf(render('assistant'))).toBe('ENGINE_INPUT')
  expect(await codeOf((async () => createChatTemplate('{% for', TOKENS))())).toBe('ENGINE_MODEL_INVALID')
  expect(await codeOf((async () => createChatTemplate(' '.repeat(300_000), TOKENS))())).toBe(
    'ENGINE_MODEL_INVALID',
  )
})

const TOOLS = [
  { name: 'now', description: 'The time <|end|>', parameters: { type: 'object', properties: {} } },
]
const CALLED: ChatMessage[] = [
  { role: 'user', content: 'When?' },
  { role: 'assistant', content: '', toolCalls: [{ id: 'a1', name: 'now', arguments: '{"zone":"<|end|>"}' }] },
  { role: 'tool', content: 'noon', toolCallId: 'a1' },
  { role: 'tool', content: 'noon again', toolCallId: 'a1' },
]

it('tells tools, calls and results in words to a model whose template knows none', () => {
  const told = createChatTemplate(
    '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}',
    TOKENS,
  ).render([{ role: 'system', content: 'Be brief.' }, ...CALLED], TOOLS)
  expect(told).toBe(
    '[system]Be brief.\n\nYou may call these functions:\n' +
      '{"name":"now","description":"The time <|end|>","parameters":{"type":"object","properties":{}}}\n' +
      'Write each call like this:\n<tool_call>\n{"name": "NAME", "arguments": OBJECT}\n</tool_call>' +
      '[user]When?[assistant]<tool_call>\n{"name": "now", "arguments": {"zone":"<|end|>"}}\n</tool_call>' +
      '[user]<tool_response>\nnoon\n</tool_response>\n<tool_response>\nnoon again\n</tool_response>',
  )
  const plain = createChatTemplate(undefined, TOKENS).render(CALLED)
  expect(plain).toContain('\nTool: noon\nTool: noon again\nAssistant:')
})

it('gives tools to a template that knows them, and keeps what people say in them apart', () => {
  const template = createChatTemplate(
    '{% if tools %}{% for t in tools %}{{ t | tojson }}{% endfor %}{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}' +
      '{% if m.tool_calls %}{% for c in m.tool_calls %}<tool_call>{{ c.function.name }}{{ c.function.arguments | tojson }}</tool_call>{% endfor %}{% endif %}{% endfor %}',
    TOKENS,
  )
  expect(template.toolSyntax).toBeDefined()
  expect(template.render(CALLED, TOOLS)).toContain(
    '<|assistant|><tool_call>now{"zone": "<|end|>"}</tool_call><|tool|>noon',
  )
  const parts = template.renderParts(CALLED, TOOLS)
  expect(parts.map(({ text }) => text).join('')).toBe(template.render(CALLED, TOOLS))
  const said = parts.filter(({ isTemplate }) => !isTemplate).map(({ text }) => text)
  expect(said).toEqual(['The time <|end|>', 'object', 'When?', '<|end|>', 'noon', 'noon again'])
  expect(parts.filter(({ isTemplate }) => isTemplate).some(({ text }) => text.includes('<|end|>'))).toBe(
    false,
  )
})

it.each([
  ['arguments that are no JSON', { id: 'a', name: 'f', arguments: '{' }],
  [
    'arguments that would overflow a stack',
    { id: 'a', name: 'f', arguments: `${'['.repeat(50_000)}${']'.repeat(50_000)}` },
  ],
  ['a name with a special token', { id: 'a', name: '<|end|>', arguments: '{}' }],
  ['an id with a blank', { id: 'a b', name: 'f', arguments: '{}' }],
])('refuses a call with %s', async (_what, call) => {
  const render = async (): Promise<string> =>
    createChatTemplate(SOURCE, TOKENS).render([{ role: 'assistant', content: '', toolCalls: [call] }])
  expect(await codeOf(render())).toBe('ENGINE_INPUT')
})
