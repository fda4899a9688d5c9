import { describe, expect, it } from 'vitest'
import { type CommandContext, defineCommand } from '../../src/framework/index.ts'
import { answerOf, warningOnce } from '../../src/training/index.ts'

const said: string[] = []
const context = {
  global: { json: false, yes: false, quiet: false },
  json: (value: unknown) => void said.push(JSON.stringify(value)),
  confirm: () => Promise.resolve(false),
  warn: (line: string) => void said.push(line),
} as unknown as CommandContext

const command = defineCommand({
  path: ['asked'],
  summary: 'Answer',
  flags: {
    once: { type: 'boolean', summary: 'a flag' },
    name: { type: 'string', value: 'NAME', summary: 'another' },
  },
  async run(inner, args, flags) {
    inner.warn('not hardware')
    inner.json({ args, flags, json: inner.global.json, isSure: await inner.confirm('sure?') })
  },
})

describe('the answer of a command', () => {
  it('is what it would print as JSON, and prints nothing', async () => {
    said.length = 0
    const answer = await answerOf(warningOnce(context), command, ['a'], { name: 'b' })
    expect(answer).toEqual({ args: ['a'], flags: { once: false, name: 'b' }, json: true, isSure: true })
    expect(said).toEqual(['not hardware'])
  })

  it('warns once, however many are asked', async () => {
    said.length = 0
    const once = warningOnce(context)
    await answerOf(once, command, [], {})
    await answerOf(once, command, [], {})
    expect(said).toEqual(['not hardware'])
  })
})
