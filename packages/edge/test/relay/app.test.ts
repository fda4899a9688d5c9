import { describe, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { relayConfig } from '../../src/relay/config.ts'
import { createRelayApp } from '../../src/relay/app.ts'
import type { Upstream, UpstreamRequest } from '../../src/relay/upstream.ts'
import { configFor } from './parties.ts'

const OHTTP = 'message/ohttp-req'

function answering(
  status: number,
  contentType: string,
  body = 'words of the gateway',
): { upstream: Upstream; seen: UpstreamRequest[] } {
  const seen: UpstreamRequest[] = []
  return {
    seen,
    async upstream(request) {
      seen.push(request)
      return { status, contentType, body: new Response(body).body! }
    },
  }
}

async function post(
  upstream: Upstream,
  path = '/relay/demo',
  headers: Record<string, string> = { 'content-type': OHTTP },
  limits = {},
): Promise<Response> {
  const app = createRelayApp({ config: configFor({ demo: 'http://gateway.internal:1' }, limits), upstream })
  return app(new Request(`http://relay${path}`, { method: 'POST', headers, body: 'sealed' }))
}

describe('default deny', () => {
  test.each([
    '/relay/other',
    '/relay/__proto__',
    '/relay/constructor',
    '/relay/http%3A%2F%2Fevil.example',
    '/relay/demo/ohttp',
    '/relay/demo/..%2Fadmin',
    '/relay/',
    '/',
    '/relay/demo/trust/x',
  ])('%s reaches no gateway', async (path) => {
    const { upstream, seen } = answering(200, 'message/ohttp-res')
    const response = await post(upstream, path)
    expect(response.status).toBe(404)
    expect(seen).toEqual([])
  })

  test.each(['application/json', 'message/ohttp-res', 'message/bhttp', 'message/ohttp-req; a=b', ''])(
    'content type %j is not relayed',
    async (type) => {
      const { upstream, seen } = answering(200, 'message/ohttp-res')
      const response = await post(upstream, '/relay/demo', type === '' ? {} : { 'content-type': type })
      expect([response.status, await response.json()]).toMatchObject([
        415,
        { error: { code: 'HTTP_MEDIA_TYPE' } },
      ])
      expect(seen).toEqual([])
    },
  )

  test('the target is the configured origin and /ohttp, whatever the client says', async () => {
    const { upstream, seen } = answering(200, 'message/ohttp-res')
    await post(upstream, '/relay/demo?target=http://evil.example', {
      'content-type': OHTTP,
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
    })
    expect(seen.map((request) => request.url.href)).toEqual(['http://gateway.internal:1/ohttp'])
  })
})

describe('the gateway answers, the client sees one of a few fixed things', () => {
  test.each([
    [200, 'text/html', 502, 'RELAY_GATEWAY_FAILED'],
    [200, 'message/ohttp-chunked-res', 502, 'RELAY_GATEWAY_FAILED'],
    [200, '', 502, 'RELAY_GATEWAY_FAILED'],
    [204, 'message/ohttp-res', 502, 'RELAY_GATEWAY_FAILED'],
    [302, 'text/html', 502, 'RELAY_GATEWAY_FAILED'],
    [401, 'application/json', 502, 'RELAY_GATEWAY_FAILED'],
    [500, 'message/ohttp-res', 502, 'RELAY_GATEWAY_FAILED'],
    [400, 'application/json', 400, 'RELAY_GATEWAY_REFUSED'],
    [415, 'application/json', 400, 'RELAY_GATEWAY_REFUSED'],
    [413, 'application/json', 413, 'HTTP_BODY_TOO_LARGE'],
    [429, 'application/json', 503, 'RELAY_GATEWAY_BUSY'],
    [503, 'application/json', 503, 'RELAY_GATEWAY_BUSY'],
  ])('%i %s becomes %i %s', async (status, type, expectedStatus, code) => {
    const response = await post(answering(status, type).upstream)
    const text = await response.text()
    expect([response.status, JSON.parse(text)]).toMatchObject([expectedStatus, { error: { code } }])
    expect(text).not.toContain('words of the gateway')
  })

  test('an unknown key is the RFC 9458 problem, in the words of the relay', async () => {
    const response = await post(answering(422, 'application/problem+json').upstream)
    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
      422,
      'application/problem+json',
      { type: 'https://iana.org/assignments/http-problem-types#ohttp-key', title: 'key identifier unknown' },
    ])
  })

  test('a gateway that cannot be reached is not described', async () => {
    const response = await post(() => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:1')))
    expect(response.status).toBe(502)
    expect(await response.text()).not.toContain('10.0.0.7')
  })
})

test('a declared length past the limit is refused before the gateway is contacted', async () => {
  const { upstream, seen } = answering(200, 'message/ohttp-res')
  const response = await post(
    upstream,
    '/relay/demo',
    { 'content-type': OHTTP, 'content-length': '2000' },
    { requestBytes: 1024 },
  )
  expect([response.status, seen]).toEqual([413, []])
})

test('a document that is too large, of another type or missing is not passed on', async () => {
  const answers: [number, string, string][] = [
    [200, 'application/json', 'x'.repeat(1024 * 1024 + 1)],
    [200, 'text/html', '<html>'],
    [404, 'application/json', '{}'],
  ]
  for (const [status, type, body] of answers) {
    const app = createRelayApp({
      config: configFor({ demo: 'http://g:1' }),
      upstream: answering(status, type, body).upstream,
    })
    const response = await app(new Request('http://relay/relay/demo/trust'))
    expect([response.status, await response.json()]).toMatchObject([
      502,
      { error: { code: 'RELAY_GATEWAY_FAILED' } },
    ])
  }
})

test(
  claim('T6', 'a bundle for a nonce is fetched for who asks, a few a second, and kept by nobody'),
  async () => {
    const { upstream, seen } = answering(200, 'application/json', '{}')
    const app = createRelayApp({ config: configFor({ demo: 'http://g:1' }), upstream, now: () => 0 })
    const get = async (path: string): Promise<[number, string | null]> => {
      const response = await app(new Request(`http://relay/relay/demo/${path}`))
      return [response.status, response.headers.get('cache-control')]
    }
    const nonces = Array.from({ length: 5 }, (_, index) => Buffer.alloc(64, index).toString('base64url'))
    for (const nonce of nonces.slice(0, 4))
      expect(await get(`trust?nonce=${nonce}`)).toEqual([200, 'no-store'])
    expect(await get(`trust?nonce=${nonces[4]}`)).toEqual([429, 'no-store'])
    expect(await get('trust?nonce=..%2Fadmin')).toEqual([400, 'no-store'])
    // What everybody gets comes from memory as before, whatever else the address says.
    for (const path of ['trust', 'trust?other=1', 'trust'])
      expect(await get(path)).toEqual([200, 'public, max-age=15'])
    const trust = 'http://g:1/.well-known/sotto/trust'
    expect(seen.map(({ url }) => url.href)).toEqual([
      ...nonces.slice(0, 4).map((nonce) => `${trust}?nonce=${nonce}`),
      trust,
    ])
  },
)

test.each([
  [429, 503, 'RELAY_GATEWAY_BUSY'],
  [503, 503, 'RELAY_GATEWAY_BUSY'],
  [404, 502, 'RELAY_GATEWAY_FAILED'],
])('a gateway that answers a nonce with %i', async (status, expected, code) => {
  const { upstream } = answering(status, 'application/json', '{}')
  const app = createRelayApp({ config: configFor({ demo: 'http://g:1' }), upstream })
  const response = await app(new Request(`http://relay/relay/demo/trust?nonce=${'A'.repeat(22)}`))
  expect([response.status, await response.json()]).toMatchObject([expected, { error: { code } }])
})

test('a failed document fetch is not remembered', async () => {
  let isUp = false
  const upstream: Upstream = async () => ({
    status: isUp ? 200 : 503,
    contentType: 'application/ohttp-keys',
    body: new Response('k').body!,
  })
  const app = createRelayApp({ config: configFor({ demo: 'http://g:1' }), upstream })
  expect((await app(new Request('http://relay/relay/demo/keys'))).status).toBe(503)
  isUp = true
  expect((await app(new Request('http://relay/relay/demo/keys'))).status).toBe(200)
})

describe('browsers', () => {
  const config = { ...configFor({ demo: 'http://g:1' }), browserOrigins: ['https://app.example'] }
  const app = createRelayApp({ config, upstream: answering(200, 'message/ohttp-res').upstream })
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  }

  test('a page of a listed origin may post, without credentials', async () => {
    const response = await app(
      new Request('http://relay/relay/demo', {
        method: 'OPTIONS',
        headers: { origin: 'https://app.example', ...preflight },
      }),
    )
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://app.example',
    ])
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('a page of another origin may not', async () => {
    const response = await app(
      new Request('http://relay/relay/demo', {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', ...preflight },
      }),
    )
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([404, null])
  })
})

describe('configuration', () => {
  const minimal = { listen: { port: 0 }, gateways: { demo: 'http://127.0.0.1:1' } }

  test('the smallest one gets honest defaults', () => {
    expect(relayConfig(minimal, 'config')).toEqual({
      listen: { host: '127.0.0.1', port: 0 },
      gateways: { demo: 'http://127.0.0.1:1' },
      readinessMs: 1000,
      documentSeconds: 15,
      browserOrigins: [],
      limits: {
        requestBytes: 291862016,
        responseBytes: 269484032,
        requestIdleMs: 30000,
        responseIdleMs: 300000,
        minBytesPerSecond: 512,
        graceMs: 10000,
        exchangeMs: 1800000,
        exchanges: 1024,
      },
    })
  })

  test('a gateway may be several enclaves', () => {
    const origins = Array.from({ length: 16 }, (_, i) => `http://10.0.0.${i}:8080`)
    expect(relayConfig({ ...minimal, gateways: { demo: origins } }, 'config').gateways).toEqual({
      demo: origins,
    })
  })

  test.each([
    ['no enclave', { ...minimal, gateways: { demo: [] } }],
    ['an enclave twice', { ...minimal, gateways: { demo: ['http://h:1', 'http://h:1/'] } }],
    [
      'too many enclaves',
      { ...minimal, gateways: { demo: Array.from({ length: 17 }, (_, i) => `http://h:${i}`) } },
    ],
    ['an enclave with a path', { ...minimal, gateways: { demo: ['http://h:1', 'http://h:2/x'] } }],
    ['a list in a list', { ...minimal, gateways: { demo: [['http://h:1']] } }],
    ['asking without pause', { ...minimal, readinessMs: 1 }],
    ['no gateway', { ...minimal, gateways: {} }],
    ['a gateway with a path', { ...minimal, gateways: { demo: 'http://h/path' } }],
    ['a gateway with credentials', { ...minimal, gateways: { demo: 'http://user@h' } }],
    ['a gateway that is a file', { ...minimal, gateways: { demo: 'file:///etc/passwd' } }],
    ['a name that is a path', { ...minimal, gateways: { 'a/b': 'http://h' } }],
    ['a log with a path', { ...minimal, log: 'http://h/log' }],
    ['a log that is a file', { ...minimal, log: 'file:///etc/passwd' }],
    ['an unknown field', { ...minimal, logBodies: true }],
    ['a limit of nothing', { ...minimal, limits: { exchanges: 0 } }],
  ])('%s is refused', (_, config) => {
    expect(() => relayConfig(config, 'config')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
