import { SottoError } from '@sotto/protocol/errors'
import { expect, it, describe } from 'vitest'
import { createProxy } from '../../src/proxy/index.ts'

/** What a program gets of the enclave's answer. */
function through(answer: Response): Promise<Response> {
  const trust = { ok: true, steps: [], software: true, trustedParties: [], validUntil: 5 }
  const proxy = createProxy({
    sotto: { fetch: async () => answer, trust, receipts: [] },
    hosts: ['127.0.0.1:1'],
  })
  return proxy(new Request('http://127.0.0.1:1/v1/chat/completions', { method: 'POST', body: '{}' }))
}

describe('an event stream that is cut', () => {
  /** Writes these parts, then fails. */
  const cut = (...parts: string[]): Response => {
    const left = parts.map((part) => new TextEncoder().encode(part))
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const part = left.shift()
          if (part) controller.enqueue(part)
          else controller.error(new SottoError('RESPONSE_TRUNCATED', 'retry', 'the answer was cut'))
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
  }
  async function read(response: Response): Promise<{ text: string; failure: unknown }> {
    let text = ''
    try {
      for await (const part of response.body!) text += new TextDecoder().decode(part)
    } catch (failure) {
      return { text, failure }
    }
    return { text, failure: undefined }
  }
  const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

  it('ends with an error event, and still fails', async () => {
    const response = await through(cut(event({ a: 1 }), event({ b: 2 })))
    const { text, failure } = await read(response)
    expect(text.startsWith(event({ a: 1 }) + event({ b: 2 }))).toBe(true)
    expect(JSON.parse(text.trim().split('\n\n').at(-1)!.slice(6))).toEqual({
      error: {
        message: 'the answer was cut',
        type: 'server_error',
        param: null,
        code: 'sotto_response_truncated',
        action: 'retry',
      },
    })
    expect(failure).toMatchObject({ code: 'RESPONSE_TRUNCATED' })
  })

  it('never glues the error event to half an event', async () => {
    const response = await through(cut(event({ a: 1 }) + 'data: {"b', '":'))
    const { text } = await read(response)
    const events = text.split('\n\n').filter(Boolean)
    expect(events).toHaveLength(2)
    for (const line of events) JSON.parse(line.slice(6))
  })

  it('keeps the reason that the enclave gave itself', async () => {
    const said = event({ error: { message: 'x', type: 'server_error', param: null, code: 'engine_crashed' } })
    const response = await through(cut(event({ text: 'data: {"error":' }), said))
    const { text, failure } = await read(response)
    expect(text.endsWith(said)).toBe(true)
    expect(failure).toMatchObject({ code: 'RESPONSE_TRUNCATED' })
  })

  it('passes a whole one through byte by byte, a last line without end too', async () => {
    const text = `${event({ a: 1 })}: comment\n\ndata: [DONE]`
    const response = await through(new Response(text, { headers: { 'content-type': 'text/event-stream' } }))
    expect(await response.text()).toBe(text)
  })
})
