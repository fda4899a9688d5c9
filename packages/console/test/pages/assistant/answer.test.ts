import type { Sotto } from '@sotto/client'
import { SottoError } from '@sotto/protocol/errors'
import { expect, it } from 'vitest'
import type { KeptMessage } from '../../../src/keep/conversations.ts'
import { answerTo, NetworkLost } from '../../../src/pages/assistant/answer.ts'
import { words } from '../../../src/words/index.ts'

const said = (id: string, role: KeptMessage['role']): KeptMessage => ({ id, at: 0, role, text: id })
const MESSAGES = [said('q1', 'user'), said('a1', 'assistant'), said('q2', 'user')]

const chunk = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ model: 'm', choices: [{ delta: { content }, finish_reason: finish }] })}\n\n`

/** A service whose answer is `parts`; an error among them cuts it, a function is called at its place. */
function service(
  parts: (string | Error | (() => void))[],
  room = Infinity,
): { sotto: Sotto; asked: string[][] } {
  const asked: string[][] = []
  const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
    const { messages } = JSON.parse(init!.body as string) as { messages: { content: string }[] }
    asked.push(messages.map(({ content }) => content))
    if (messages.length > room)
      return Response.json(
        { error: { message: 'too long', code: 'context_length_exceeded' } },
        { status: 400 },
      )
    const rest = [...parts]
    return new Response(
      new ReadableStream({
        pull(controller) {
          init!.signal!.throwIfAborted()
          const next = rest.shift()
          if (next === undefined) controller.close()
          else if (next instanceof Error) controller.error(next)
          else if (typeof next === 'string') controller.enqueue(new TextEncoder().encode(next))
          else {
            next()
            controller.error(init!.signal!.reason)
          }
        },
      }),
    )
  }
  const receiptOf = (): Promise<never> => Promise.reject(new SottoError('RECEIPT_INVALID', 'stop', 'no'))
  return { sotto: { baseURL: 'https://x.invalid/v1', fetch, receiptOf } as unknown as Sotto, asked }
}

async function answer(
  sotto: Sotto,
  signal = new AbortController().signal,
): Promise<{ all: KeptMessage[]; error: unknown }> {
  const all: KeptMessage[] = []
  const error = await answerTo({
    sotto: () => sotto,
    messages: MESSAGES,
    question: 'q2',
    empty: { id: 'a2', at: 1, role: 'assistant', text: '' },
    signal,
    onChange: (one) => all.push(one),
    onPiece: () => undefined,
  })
  return { all, error }
}

it('an answer grows, ends whole, and a receipt that does not hold is said', async () => {
  const { sotto, asked } = service([chunk(' On'), chunk('e', 'stop'), 'data: [DONE]\n\n'])
  const { all, error } = await answer(sotto)
  expect(error).toBeUndefined()
  expect(asked).toEqual([['q1', 'a1', 'q2']])
  expect(all.map(({ text, end }) => [text, end])).toEqual([
    ['On', undefined],
    ['One', undefined],
    ['One', 'whole'],
    ['One', 'whole'],
  ])
  expect(all.at(-1)).toMatchObject({ model: 'm', receipt: 'invalid' })
  expect(all.at(-1)!.readsFrom).toBeUndefined()
})

it('what the model has no room for is left out, and the answer knows from where it reads', async () => {
  const { sotto, asked } = service([chunk('x', 'length'), 'data: [DONE]\n\n'], 1)
  const { all } = await answer(sotto)
  expect(asked).toEqual([['q1', 'a1', 'q2'], ['q2']])
  expect(all.at(-1)).toMatchObject({ readsFrom: 'q2', end: 'length' })
})

it.each([
  ['by the network', [chunk('half'), new TypeError('network')], 'network'],
  [
    'by its own error',
    [chunk('half'), 'data: {"error":{"message":"busy","code":"engine_busy"}}\n\n'],
    'busy',
  ],
  ['without its end mark', [chunk('half')], words.trouble.cut],
])('an answer that is cut %s is kept as far as it came', async (_how, parts, message) => {
  const { all, error } = await answer(service(parts).sotto)
  expect(all.at(-1)).toMatchObject({ text: 'half', end: 'cut' })
  expect((error as Error).message).toBe(message)
})

it('a stop is no error; a network that is gone is one', async () => {
  for (const [reason, end] of [
    [undefined, 'stopped'],
    [new NetworkLost('offline'), 'cut'],
  ] as const) {
    const stop = new AbortController()
    const { sotto } = service([chunk('half'), () => stop.abort(reason)])
    const { all, error } = await answer(sotto, stop.signal)
    expect(all.at(-1)).toMatchObject({ text: 'half', end })
    expect(error).toBe(reason)
  }
})
