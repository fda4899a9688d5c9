import { MAX_CALL_BYTES } from '@sotto/protocol/contract'
import { SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { describe, expect, it } from 'vitest'
import { createContractCalls } from '../../src/api/index.ts'

interface Passed {
  url: string
  type: string | null
  body: Uint8Array
}

function between(answer: () => Response | Promise<Response> = () => new Response(new Uint8Array([7, 8]))) {
  const passed: Passed[] = []
  const calls = createContractCalls({
    kmsUrls: ['http://kms.test/'],
    async fetch(input, init) {
      const request = new Request(input as string, init)
      const body = new Uint8Array(await request.arrayBuffer())
      passed.push({ url: request.url, type: request.headers.get('content-type'), body })
      return answer()
    },
  })
  const send = (body: Uint8Array, type = SEALED_CALL_TYPE, more: Record<string, string> = {}) =>
    calls(
      new Request('https://inference.sotto/v1/rooms/calls', {
        method: 'POST',
        headers: { 'content-type': type, ...more },
        body: body as Uint8Array<ArrayBuffer>,
      }),
    )
  return { passed, send }
}

const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code

describe('sealed calls to the KMS', () => {
  it('go on as they are, with nothing of who sent them, and so do answers', async () => {
    const { passed, send } = between()
    const response = await send(new Uint8Array([1, 2, 3]), SEALED_CALL_TYPE, { 'x-from': 'somebody' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(SEALED_CALL_TYPE)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([7, 8]))
    expect(passed).toEqual([
      { url: 'http://kms.test/v1/contracts', type: SEALED_CALL_TYPE, body: new Uint8Array([1, 2, 3]) },
    ])
  })

  it('that are of another type, or too large, go nowhere', async () => {
    const { passed, send } = between()
    expect(await codeOf(await send(new Uint8Array(1), 'application/json'))).toBe('API_INVALID')
    expect(await codeOf(await send(new Uint8Array(MAX_CALL_BYTES + 1)))).toBe('HTTP_BODY_TOO_LARGE')
    expect(passed).toEqual([])
  })

  it('that the KMS refuses keep its code; a silent KMS is named', async () => {
    const refusing = between(() =>
      Response.json({ error: { code: 'HTTP_TOO_MANY', action: 'retry', message: 'later' } }, { status: 429 }),
    )
    const refused = await refusing.send(new Uint8Array(1))
    expect([refused.status, await codeOf(refused)]).toEqual([429, 'HTTP_TOO_MANY'])
    const silent = between(() => Promise.reject(new TypeError('fetch failed')))
    expect(await codeOf(await silent.send(new Uint8Array(1)))).toBe('API_UPSTREAM')
  })
})
