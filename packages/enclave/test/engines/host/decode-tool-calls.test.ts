import { expect, it } from 'vitest'
import { decodeTextEvent } from '../../../src/engines/host/decode-events.ts'
import { codeOf } from './fake-model.ts'

const decode = async (json: unknown): Promise<unknown> => decodeTextEvent({ json, blobs: [] })

it('passes a call on, and nothing beside it', async () => {
  expect(await decode({ type: 'tool-call', index: 1, name: 'f', arguments: '{', other: 1 })).toEqual({
    type: 'tool-call',
    index: 1,
    name: 'f',
    arguments: '{',
  })
  expect(await decode({ type: 'tool-call', index: 0, arguments: '' })).toEqual({
    type: 'tool-call',
    index: 0,
    arguments: '',
  })
  const done = { type: 'done', finishReason: 'tool-calls', usage: { inputTokens: 1, outputTokens: 2 } }
  expect(await decode(done)).toEqual(done)
})

it.each([
  ['no index', { arguments: '' }],
  ['an index that is no count', { index: -1, arguments: '' }],
  ['a name that is no text', { index: 0, name: 5, arguments: '' }],
  ['arguments that are no text', { index: 0, name: 'f', arguments: { a: 1 } }],
  ['no arguments', { index: 0, name: 'f' }],
])('refuses a call with %s', async (_what, fields) => {
  expect(await codeOf(decode({ type: 'tool-call', ...fields }))).toBe('ENGINE_PROTOCOL')
})
