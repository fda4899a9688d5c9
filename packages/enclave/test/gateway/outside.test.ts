import { describe, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { toHex, utf8 } from '@sotto/protocol/bytes'
import { parseKeyConfigs } from '@sotto/protocol/ohttp'
import { ask, openGateway, outerRequest } from './parties.ts'
import { echo } from './echo.ts'

describe('what the length of an answer says', () => {
  test('answers of one bucket are alike in chunks and sizes', async () => {
    const sizes = async (text: string): Promise<number[]> => {
      const gateway = openGateway(
        async () => new Response(text, { headers: { 'content-type': 'application/json' } }),
      )
      return (await ask(gateway, { body: '' })).chunks
    }
    expect(await sizes('{}')).toEqual(await sizes(`{"text":"${'x'.repeat(500)}"}`))
    expect(await sizes('x'.repeat(40_000))).toEqual([16_384, 16_384, 16_384, 16_384])
  })

  test('how the app wrote its body does not show', async () => {
    const pieces = openGateway(async () => {
      const body = new ReadableStream({
        start(c) {
          for (let i = 0; i < 50; i++) c.enqueue(utf8('x'.repeat(i)))
          c.close()
        },
      })
      return new Response(body)
    })
    const once = openGateway(async () => new Response('x'.repeat(1225)))
    expect((await ask(pieces, { body: '' })).chunks).toEqual((await ask(once, { body: '' })).chunks)
  })

  test('every flush of an event stream is one sealed chunk of few lengths', async () => {
    const words = ['a', 'considerably', 'b', 'longer']
    const gateway = openGateway(
      async () => {
        const body = new ReadableStream<Uint8Array>({
          async pull(c) {
            const word = words.shift()
            await new Promise((resolve) => setTimeout(resolve, 5))
            if (word === undefined) c.close()
            else c.enqueue(utf8(`data: ${word}\n\n`))
          },
        })
        return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
      },
      { events: { windowMs: 0 } },
    )
    const { chunks, text } = await ask(gateway, { body: '' })
    expect(text.match(/data: \w+/g)).toEqual(['data: a', 'data: considerably', 'data: b', 'data: longer'])
    // Head with the first comment, four flushes of 512 bytes and their length, the end with the receipt.
    expect(chunks.slice(1, 5)).toEqual([514, 514, 514, 514])
    expect(chunks).toHaveLength(6)
    expect(chunks[5]! % 512).toBe(0)
  })
})

describe('what is answered in clear', () => {
  const gateway = openGateway(echo)
  const get = (path: string, init?: RequestInit): Promise<Response> | Response =>
    gateway.app(new Request(`http://gateway${path}`, init))

  test('the key configurations and the trust bundle', async () => {
    const keys = await get('/.well-known/ohttp-gateway')
    expect(keys.headers.get('content-type')).toBe('application/ohttp-keys')
    expect(
      parseKeyConfigs(new Uint8Array(await keys.arrayBuffer())).map((config) => toHex(config.publicKey)),
    ).toEqual([toHex(gateway.key.config.publicKey)])
    const trust = await get('/.well-known/sotto/trust')
    expect([trust.headers.get('content-type'), await trust.text()]).toEqual(['application/json', '{}'])
  })

  test(claim('T6', 'a bundle for a nonce, kept by nobody; the ordinary one stays the same'), async () => {
    const asked: string[] = []
    const { app, errors } = openGateway(echo, {
      async trustFor(nonce) {
        asked.push(nonce)
        return utf8(`{"for":"${nonce}"}`)
      },
    })
    const trust = async (query: string): Promise<[number, string, string | null]> => {
      const response = await app(new Request(`http://gateway/.well-known/sotto/trust${query}`))
      return [response.status, await response.text(), response.headers.get('cache-control')]
    }
    const nonces = Array.from({ length: 5 }, (_, index) => Buffer.alloc(16, index).toString('base64url'))
    expect(await trust('')).toEqual([200, '{}', 'no-cache'])
    for (const nonce of nonces.slice(0, 4))
      expect(await trust(`?nonce=${nonce}`)).toEqual([200, `{"for":"${nonce}"}`, 'no-store'])
    expect(await trust(`?nonce=${nonces[4]}`)).toEqual([
      429,
      expect.stringContaining('HTTP_TOO_MANY'),
      'no-store',
    ])
    expect(await trust('?nonce=short')).toEqual([400, expect.stringContaining('JCS_FIELD'), 'no-store'])
    expect(await trust('')).toEqual([200, '{}', 'no-cache'])
    expect([asked, errors]).toEqual([nonces.slice(0, 4), ['HTTP_TOO_MANY', 'JCS_FIELD']])
  })

  test('no bundle for a nonce where none is made', async () => {
    expect((await get(`/.well-known/sotto/trust?nonce=${'A'.repeat(22)}`)).status).toBe(404)
  })

  test.each([
    '/v1/models',
    '/v1/chat/completions',
    '/v1/echo',
    '/sotto/receipt-certificate',
    '/',
    '/ohttp/v1/models',
    '/metrics',
  ])('not %s', async (path) => {
    for (const init of [
      {},
      { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } },
    ]) {
      const response = await get(path, init)
      expect([response.status, await response.json()]).toMatchObject([
        404,
        { error: { code: 'HTTP_NOT_FOUND' } },
      ])
    }
  })

  test.each([
    'application/json',
    'message/bhttp',
    'message/ohttp-res',
    'message/ohttp-req, message/ohttp-chunked-req',
  ])('no %s at /ohttp', async (type) => {
    expect(
      (await get('/ohttp', { method: 'POST', body: 'x', headers: { 'content-type': type } })).status,
    ).toBe(415)
  })

  test('nothing while not attested', async () => {
    const closed = openGateway(echo, { identity: () => undefined, trustBundle: () => undefined })
    for (const path of ['/.well-known/ohttp-gateway', '/.well-known/sotto/trust']) {
      expect((await closed.app(new Request(`http://gateway${path}`))).status).toBe(503)
    }
    expect((await closed.app(outerRequest(utf8('x')))).status).toBe(503)
  })

  test(claim('T13', 'nothing while the witnesses of the log are silent, and the code says so'), async () => {
    let isSilent = true
    const gateway = openGateway(echo, {
      identity: () => undefined,
      areWitnessesSilent: () => isSilent,
    })
    const refusal = async (): Promise<unknown> => {
      const answer = await gateway.app(outerRequest(utf8('x')))
      return [answer.status, await answer.json()]
    }
    expect(await refusal()).toMatchObject([
      503,
      { error: { code: 'GATEWAY_WITNESSES_SILENT', action: 'retry' } },
    ])
    expect((await gateway.app(new Request('http://gateway/.well-known/ohttp-gateway'))).status).toBe(503)
    isSilent = false
    expect(await refusal()).toMatchObject([503, { error: { code: 'GATEWAY_NOT_READY' } }])
  })
})
