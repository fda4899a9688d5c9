import fc from 'fast-check'
import { SottoError } from '@sotto/protocol/errors'
import { describe, expect, it } from 'vitest'
import { decodeCompletionEvent } from '../../../src/engines/llama-server/completion-event.ts'
import { serverFlags } from '../../../src/engines/llama-server/flags.ts'

const TOKEN = { content: ' a', tokens: [5], stop: false, tokens_predicted: 3 }
const END = { stop: true, stop_type: 'eos', timings: { prompt_n: 4 } }
const decode = (value: unknown): unknown => decodeCompletionEvent(value, 10)

describe('an event of a llama-server', () => {
  it('is a token with its probabilities, or the end', () => {
    const probabilities = [{ id: 5, logprob: -3.4e38, top_logprobs: [{ id: 1, logprob: -0.5 }] }]
    expect(decode({ ...TOKEN, completion_probabilities: probabilities })).toEqual({
      type: 'token',
      text: ' a',
      token: 5,
      total: 3,
      probabilities: { token: 5, logprob: -9999, top: [{ token: 1, logprob: -0.5 }] },
    })
    expect(decode({ ...TOKEN, tokens: [] })).toMatchObject({ token: undefined, probabilities: undefined })
    expect(decode(END)).toEqual({ type: 'end', reason: 'eos', evaluated: 4 })
  })

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', [1]],
    ['neither', {}],
    ['text that is none', { ...TOKEN, content: 1 }],
    ['a token outside the vocabulary', { ...TOKEN, tokens: [10] }],
    ['a count below zero', { ...TOKEN, tokens_predicted: -1 }],
    ['an unknown reason', { ...END, stop_type: 'tired' }],
    ['no timings', { stop: true, stop_type: 'eos' }],
    [
      'a probability that is none',
      { ...TOKEN, completion_probabilities: [{ id: 1, logprob: null, top_logprobs: [] }] },
    ],
    [
      'too many alternatives',
      {
        ...TOKEN,
        completion_probabilities: [
          { id: 1, logprob: 0, top_logprobs: Array.from({ length: 21 }, () => ({ id: 1, logprob: 0 })) },
        ],
      },
    ],
  ])('is refused when it is %s', (_, value) => {
    expect(() => decode(value)).toThrow(expect.objectContaining({ code: 'ENGINE_PROTOCOL' }) as Error)
  })

  it('ends in a named error, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record(
            {
              stop: fc.jsonValue(),
              content: fc.jsonValue(),
              tokens: fc.jsonValue(),
              tokens_predicted: fc.jsonValue(),
              error: fc.jsonValue(),
            },
            { requiredKeys: [] },
          ),
        ),
        (value) => {
          try {
            decode(value)
          } catch (error) {
            expect(error).toBeInstanceOf(SottoError)
          }
        },
      ),
    )
  })
})

it('a llama-server is started with everything off that keeps, shows or forgets', () => {
  const flags = serverFlags({
    model: '/proc/self/fd/3',
    socket: 's.sock',
    slots: 3,
    contextTokens: 100,
    threads: 2,
  }).join(' ')
  for (const wanted of [
    '--cache-ram 0',
    '--no-cache-idle-slots',
    '--no-cache-prompt',
    '--cache-reuse 0',
    '--ctx-checkpoints 0',
    '--slot-prompt-similarity 0',
    '--no-slots',
    '--no-ui',
    '--no-context-shift',
    '--log-disable',
    '--offline',
    '--host @s.sock',
    '--ctx-size 300',
  ])
    expect(flags).toContain(wanted)
  expect(flags).not.toMatch(/--metrics|--props|--api-key|--slot-save-path|--log-prompts|--lora/)
})

it('a llama-server is started with the adapter of its model', () => {
  const flags = serverFlags({
    model: '/proc/self/fd/3',
    adapter: '/proc/self/fd/4',
    socket: 's.sock',
    slots: 1,
    contextTokens: 100,
    threads: 1,
  })
  expect(flags.slice(0, 4)).toEqual(['--model', '/proc/self/fd/3', '--lora', '/proc/self/fd/4'])
})
