import { expect, it } from 'vitest'
import { createChatTemplate } from '../../../src/engines/gguf/chat-template.ts'
import type { ChatMessage } from '../../../src/engines/types.ts'
import { codeOf } from '../host/fake-model.ts'

const TOKENS = { bos: '<s>', eos: '</s>' }
const SOURCE =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
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
    createChatTemplate(SOURCE, TOKENS).render([{ role: role as 'tool', content: '' }])
  expect(await codeOf(render('tool'))).toBe('ENGINE_INPUT')
  expect(await codeOf((async () => createChatTemplate('{% for', TOKENS))())).toBe('ENGINE_MODEL_INVALID')
  expect(await codeOf((async () => createChatTemplate(' '.repeat(300_000), TOKENS))())).toBe(
    'ENGINE_MODEL_INVALID',
  )
})
