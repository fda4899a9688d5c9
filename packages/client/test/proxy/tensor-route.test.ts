import { deflateSync, gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { clientError } from '../../src/errors.ts'
import { createProxy } from '../../src/proxy/index.ts'

const TRUST = { ok: true, steps: [], software: true, trustedParties: ['a test'], validUntil: 5 }
const HOST = '127.0.0.1:8787'

let sent: { url: string; headers: Headers; body: string }[] = []
let reply: () => Promise<Response>
const proxy = createProxy({
  sotto: {
    fetch: (async (url: unknown, init: RequestInit) => {
      const body = await new Response(init.body ?? null).text()
      sent.push({ url: String(url), headers: new Headers(init.headers), body })
      return reply()
    }) as typeof globalThis.fetch,
    trust: TRUST,
    receipts: [],
  },
  hosts: [HOST],
  origins: ['https://app.example'],
})
beforeEach(() => {
  sent = []
  reply = async () => Response.json({ ok: true })
})
const post = (path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> =>
  proxy(new Request(`http://${HOST}${path}`, { method: 'POST', body, headers }))

describe('tensors through the proxy', () => {
  it.each(['/v2', '/v2/health/live', '/v2/models/owner/m', '/v2/models/owner%2Fm/infer'])(
    '%s goes inside',
    async (path) => {
      await post(path, 'x')
      expect(sent[0]!.url).toBe(`https://inference.sotto${path}`)
    },
  )

  it('keeps the length of the JSON, both ways', async () => {
    reply = async () =>
      new Response('{}abcd', {
        headers: { 'inference-header-content-length': '2', 'content-type': 'application/octet-stream' },
      })
    const response = await post('/v2/models/m/infer', '{}', { 'inference-header-content-length': '2' })
    expect(sent[0]!.headers.get('inference-header-content-length')).toBe('2')
    expect(response.headers.get('inference-header-content-length')).toBe('2')
    expect(await response.text()).toBe('{}abcd')
  })

  it.each([
    ['gzip', gzipSync('{"a":1}')],
    ['deflate', deflateSync('{"a":1}')],
    ['identity', Buffer.from('{"a":1}')],
  ])('inflates %s here', async (encoding, body) => {
    await post('/v2/models/m/infer', body as Uint8Array<ArrayBuffer>, { 'content-encoding': encoding })
    expect(sent[0]!.body).toBe('{"a":1}')
  })

  it('says in the words of this protocol why it does not', async () => {
    const encoded = await post('/v2/models/m/infer', 'x', { 'content-encoding': 'br' })
    expect([encoded.status, await encoded.json()]).toEqual([
      400,
      {
        error: 'the body has an unknown content encoding',
        code: 'sotto_request_invalid',
        action: 'fix-input',
      },
    ])
    reply = () => Promise.reject(clientError('RELAY_UNREACHABLE', 'the relay does not answer'))
    const failed = await post('/v2/models/m/infer', 'x')
    expect([failed.status, await failed.json()]).toMatchObject([503, { error: 'the relay does not answer' }])
    expect(sent.length).toBe(1)
  })

  it('lets pages that may call it see and send the length', async () => {
    const origin = { origin: 'https://app.example' }
    const preflight = await proxy(
      new Request(`http://${HOST}/v2/models/m/infer`, {
        method: 'OPTIONS',
        headers: { ...origin, 'access-control-request-method': 'POST' },
      }),
    )
    expect(preflight.headers.get('access-control-allow-headers')).toContain('inference-header-content-length')
    const response = await post('/v2/models/m/infer', 'x', origin)
    expect(response.headers.get('access-control-expose-headers')).toContain('inference-header-content-length')
  })
})
