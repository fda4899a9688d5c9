import { expect, test } from 'vitest'
import { defineCommand } from '../../src/framework/index.ts'
import { checkAliases, parseAliases } from '../../src/stack/aliases.ts'
import { runInMemory } from '../support/memory-io.ts'

test('a flag that repeats reaches the handler as a list', async () => {
  const command = defineCommand({
    path: ['try'],
    summary: 'Try',
    flags: { alias: { type: 'string', value: 'NAME=MODEL', summary: 'x', repeats: true } },
    run: async (context, _args, flags) => context.json({ aliases: flags.alias ?? 'none' }),
  })
  const run = async (...argv: string[]): Promise<unknown> =>
    JSON.parse((await runInMemory([command], ['try', ...argv])).stdout)
  expect(await run()).toEqual({ aliases: 'none' })
  expect(await run('--alias', 'a=b', '--alias=c=d')).toEqual({ aliases: ['a=b', 'c=d'] })
})

test('aliases are read from words', () => {
  expect({ ...parseAliases(['whisper-1=speech', 'openai/gpt-4o:mini=org/chat']) }).toEqual({
    'whisper-1': 'speech',
    'openai/gpt-4o:mini': 'org/chat',
  })
})

test.each([['whisper-1'], ['=speech'], ['whisper-1='], ['whisper 1=speech'], ['']])(
  '%j is refused',
  (word) => {
    expect(() => parseAliases([word])).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
  },
)

test('a name given twice is refused', () => {
  expect(() => parseAliases(['a=b', 'a=c'])).toThrow(expect.objectContaining({ code: 'CLI_USAGE' }))
})

test('an alias stands for a model of the stack, and takes no name from one', () => {
  const models = [{ name: 'speech' }, { name: 'chat' }]
  checkAliases({ 'whisper-1': 'speech', notes: `${'a'.repeat(24)}/notes:2` }, models)
  const hiding = { [`${'a'.repeat(24)}/notes`]: 'speech' }
  for (const aliases of [{ 'whisper-1': 'whisper' }, { chat: 'speech' }, { notes: 'a/notes' }, hiding])
    expect(() => checkAliases(aliases, models)).toThrow(expect.objectContaining({ code: 'MODEL_INVALID' }))
})
