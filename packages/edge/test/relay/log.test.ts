import { describe, expect, test } from 'vitest'
import { createRelayApp } from '../../src/relay/app.ts'
import { relayConfig } from '../../src/relay/config.ts'
import type { Upstream, UpstreamRequest } from '../../src/relay/upstream.ts'
import { configFor } from './parties.ts'

const CHECKPOINT = '/log/checkpoint'
const TILE = '/log/tile/0/000.p/7'
const BYTES = 'application/octet-stream'

interface Answer {
  status?: number
  type?: string
  body?: string | Uint8Array<ArrayBuffer>
}

function open(answer: Answer, log: string | undefined = 'http://log.internal:1') {
  const seen: UpstreamRequest[] = []
  const upstream: Upstream = async (request) => {
    seen.push(request)
    const { status = 200, type = BYTES, body = 'hashes' } = answer
    return { status, contentType: type, body: new Response(body).body! }
  }
  const app = createRelayApp({ config: { ...configFor({ demo: 'http://g:1' }), log }, upstream })
  const get = async (path: string): Promise<Response> => app(new Request(`http://relay${path}`))
  return { app, get, seen }
}

test('a tile comes from the log as it is, to be kept by whoever stands between', async () => {
  const { get, seen } = open({})
  for (const path of [TILE, '/log/tile/0/x001/x234/067', '/log/tile/63/000', '/log/tile/12/255.p/255']) {
    const response = await get(path)
    expect([response.status, await response.text()]).toEqual([200, 'hashes'])
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(seen.at(-1)).toMatchObject({ method: 'GET', url: { href: `http://log.internal:1${path}` } })
  }
})

test('nothing a client writes beside the path reaches the log', async () => {
  const { app, seen } = open({})
  const headers = { cookie: 'a=b', 'user-agent': 'me', 'x-forwarded-for': '1.2.3.4' }
  await app(new Request(`http://relay${TILE}?who=me#where`, { headers }))
  expect(Object.keys(seen[0]!).sort()).toEqual(['incremental', 'method', 'signal', 'url'])
  expect(seen[0]!.url.href).toBe(`http://log.internal:1${TILE}`)
})

test('the checkpoint is asked for once, and then answered from memory', async () => {
  const { get, seen } = open({ type: 'text/plain; charset=utf-8', body: 'note' })
  for (let i = 0; i < 3; i++) {
    const response = await get(CHECKPOINT)
    expect([await response.text(), response.headers.get('cache-control')]).toEqual([
      'note',
      'public, max-age=15',
    ])
  }
  expect(seen.map(({ url }) => url.pathname)).toEqual([CHECKPOINT])
})

describe('default deny', () => {
  test.each([
    '/log',
    '/log/',
    '/log/key',
    '/log/entries',
    '/log/checkpoint/',
    '/log/checkpoints',
    '/log/tile',
    '/log/tile/',
    '/log/tile/entries/000',
    '/log/tile/entries/000.p/5',
    '/log/tile/0/0',
    '/log/tile/0/000/',
    '/log/tile/0/000.p/0',
    '/log/tile/0/000.p/256',
    '/log/tile/00/000',
    '/log/tile/64/000',
    '/log/tile/0/x000/001',
    '/log/tile/0/..%2f..%2fentries',
    '/log/tile/0/000%3Fa',
    '/log/tile/0/000%0d%0aHost:%20evil',
    '/log/tile//0/000',
    '/log/tile/http://evil.example/000',
  ])('%s reaches no log', async (path) => {
    const { get, seen } = open({})
    const response = await get(path)
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { error: { code: 'HTTP_NOT_FOUND' } },
    ])
    expect(seen).toEqual([])
  })

  test.each(['POST', 'PUT', 'DELETE'])('%s is no way to the log', async (method) => {
    const { app, seen } = open({})
    for (const path of [TILE, CHECKPOINT, '/log/entries']) {
      expect((await app(new Request(`http://relay${path}`, { method }))).status).toBe(404)
    }
    expect(seen).toEqual([])
  })

  test('a relay without a log serves none', async () => {
    const reached = (): never => expect.unreachable()
    const app = createRelayApp({ config: configFor({ demo: 'http://g:1' }), upstream: reached })
    for (const path of [TILE, CHECKPOINT])
      expect((await app(new Request(`http://relay${path}`))).status).toBe(404)
  })
})

test.each<[string, Answer, number, string]>([
  ['a missing tile', { status: 404 }, 404, 'HTTP_NOT_FOUND'],
  ['a failure', { status: 500 }, 502, 'RELAY_LOG_FAILED'],
  ['a redirect', { status: 302 }, 502, 'RELAY_LOG_FAILED'],
  ['a page', { type: 'text/html' }, 502, 'RELAY_LOG_FAILED'],
  ['more than a tile', { body: new Uint8Array(256 * 32 + 1) }, 502, 'RELAY_LOG_FAILED'],
])('%s of the log is answered in the words of the relay', async (_, answer, status, code) => {
  const response = await open({ body: 'words of the log', ...answer }).get(TILE)
  const text = await response.text()
  expect([response.status, JSON.parse(text)]).toMatchObject([status, { error: { code } }])
  expect(text).not.toContain('words of the log')
})

test('a tile takes a place while it is fetched, and gives it back', async () => {
  const waiting: (() => void)[] = []
  const config = configFor({ demo: 'http://g:1' }, { exchanges: 1 })
  const app = createRelayApp({
    config: { ...config, log: 'http://log:1' },
    upstream: () =>
      new Promise((resolve) => {
        waiting.push(() => resolve({ status: 200, contentType: BYTES, body: new Response('x').body! }))
      }),
  })
  const get = async (): Promise<Response> => app(new Request(`http://relay${TILE}`))
  const first = get()
  expect((await get()).status).toBe(503)
  waiting.shift()!()
  expect((await first).status).toBe(200)
  const next = get()
  waiting.shift()!()
  expect((await next).status).toBe(200)
})

test('the log is an origin in the configuration', () => {
  const minimal = { listen: { port: 0 }, gateways: { demo: 'http://127.0.0.1:1' } }
  expect(relayConfig({ ...minimal, log: 'http://127.0.0.1:2' }, 'config').log).toBe('http://127.0.0.1:2')
  expect(relayConfig(minimal, 'config').log).toBeUndefined()
})
