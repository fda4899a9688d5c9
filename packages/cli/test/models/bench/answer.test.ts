import fc from 'fast-check'
import { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import { parseAnswer } from '../../../src/models/bench/answer.ts'

const TEXT = {
  loadMs: 12.5,
  contextTokens: 512,
  memoryBytes: 1e8,
  textTokens: 2000,
  chunkTokens: 512,
  chunks: 3,
  scored: 765,
  nats: 2345.5,
  squaredNats: 9000.25,
  promptTokens: 256,
  promptMs: 20,
  generatedTokens: 127,
  generateMs: 127,
}
const SPEECH = { loadMs: 1, memoryBytes: 2, recordings: [{ text: 'a', audioSeconds: 1, computeMs: 2 }] }
const answers = [
  { type: 'ready' },
  { type: 'progress', done: 1, of: 3 },
  { type: 'text', result: TEXT },
  { type: 'speech', result: SPEECH },
  { type: 'failed', code: 'ENGINE_INPUT', message: 'too short' },
]

it.each(answers)('reads $type', (answer) => {
  expect(parseAnswer(JSON.stringify(answer))).toEqual(answer)
})

describe('refuses', () => {
  it.each([
    ['no JSON', 'ready'],
    ['nothing', 'null'],
    ['an unknown type', '{"type":"train"}'],
    ['a figure that is missing', JSON.stringify({ type: 'text', result: { ...TEXT, nats: undefined } })],
    ['one below zero', JSON.stringify({ type: 'text', result: { ...TEXT, promptMs: -1 } })],
    ['one without end', '{"type":"progress","done":1e999,"of":1}'],
    ['one in words', JSON.stringify({ type: 'text', result: { ...TEXT, scored: '765' } })],
    ['no recordings', JSON.stringify({ type: 'speech', result: { ...SPEECH, recordings: {} } })],
    ['a recording without text', JSON.stringify({ type: 'speech', result: { ...SPEECH, recordings: [{}] } })],
    ['a failure without a code', '{"type":"failed","message":"no"}'],
  ])('%s', (_, line) => {
    expect(() => parseAnswer(line)).toThrow(expect.objectContaining({ code: 'ROLE_FAILED' }))
  })

  it('anything else in words of its own', () => {
    fc.assert(
      fc.property(fc.json(), (line) => {
        try {
          parseAnswer(line)
        } catch (error) {
          expect(error).toBeInstanceOf(SottoError)
        }
      }),
    )
  })
})
