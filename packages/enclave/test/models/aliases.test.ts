import { expect, test } from 'vitest'
import { checkAliases } from '../../src/models/index.ts'

const models = [{ id: 'speech' }, { id: 'org/chat' }]

test('aliases of models that are loaded are accepted', () => {
  checkAliases({}, [])
  checkAliases({ 'whisper-1': 'speech', 'gpt-4o': 'org/chat', 'gpt-4o-mini': 'org/chat' }, models)
})

test('an alias of a model of an owner is accepted where those are served, with its version or without', () => {
  const owned = { chat: `${'a'.repeat(24)}/notes`, old: `${'a'.repeat(24)}/notes:3` }
  checkAliases(owned, models, true)
  expect(() => checkAliases(owned, models)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  expect(() => checkAliases({ chat: 'org/other' }, models, true)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})

test.each([`${'a'.repeat(24)}/notes`, `${'a'.repeat(24)}/notes:3`])(
  'an alias of the form of a name of an owner is refused where those are served: %s',
  (alias) => {
    checkAliases({ [alias]: 'speech' }, models)
    expect(() => checkAliases({ [alias]: 'speech' }, models, true)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  },
)

test.each<[string, Record<string, string>]>([
  ['leads to no model', { 'whisper-1': 'whisper-large' }],
  ['leads to another alias', { 'whisper-1': 'w', w: 'speech' }],
  ['hides a model', { speech: 'org/chat' }],
  ['is a model under its own name', { speech: 'speech' }],
])('an alias that %s is refused', (_, aliases) => {
  expect(() => checkAliases(aliases, models)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', action: 'fix-input' }),
  )
})
