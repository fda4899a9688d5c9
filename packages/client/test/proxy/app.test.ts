import { describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { createProxy } from '../../src/proxy/index.ts'
import { startTestProxy, TRUST } from './folder.ts'

const HOST = '127.0.0.1:8787'
const PAGE = `http://${HOST}`

interface Sent {
  url: string
  method: string
  body: unknown
}

function appProxy(
  reply: (url: string) => Response = () => new Response('page'),
  options: { apiKey?: string; app?: boolean; origins?: string[] } = {},
): { handle: (request: Request) => Promise<Response>; sent: Sent[] } {
  const sent: Sent[] = []
  const fetch = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    sent.push({ url: String(url), method: init.method!, body: init.body })
    return reply(String(url))
  }
  const sotto = { fetch: fetch as typeof globalThis.fetch, trust: TRUST, receipts: [] }
  return { handle: createProxy({ sotto, hosts: [HOST], app: true, ...options }), sent }
}

const get = (path: string, headers: Record<string, string> = {}): Request =>
  new Request(PAGE + path, { headers })

async function codeOf(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string } }
  return [response.status, error.code]
}

describe('the app of a service', () => {
  it('has every path that neither the API nor the proxy has, by every method', async () => {
    const { handle, sent } = appProxy()
    for (const path of ['/', '/assets/app.js?v=1', '/v1x', '//double'])
      expect((await handle(get(path))).status).toBe(200)
    expect(sent.map(({ url }) => url)).toEqual([
      'https://app.sotto/',
      'https://app.sotto/assets/app.js?v=1',
      'https://app.sotto/v1x',
      'https://app.sotto//double',
    ])
    sent.length = 0
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      await handle(new Request(`${PAGE}/notes`, { method, body: 'x' }))
    expect(sent.map(({ method }) => method)).toEqual(['POST', 'PUT', 'PATCH', 'DELETE'])
  })

  it('does not have the paths of the API, of the proxy, or of an API to come', async () => {
    const { handle, sent } = appProxy()
    await handle(get('/v1/models'))
    await handle(get('/v2/models/x'))
    expect(sent.map(({ url }) => new URL(url).origin)).toEqual([
      'https://inference.sotto',
      'https://inference.sotto',
    ])
    sent.length = 0
    for (const path of ['/healthz', '/sotto/trust', '/sotto/receipts', '/sotto/else', '/v1', '/openai/else'])
      await handle(get(path))
    expect(sent).toEqual([])
  })

  it('is not there unless it was asked for', async () => {
    const { handle, sent } = appProxy(undefined, { app: false })
    expect(await codeOf(await handle(get('/')))).toEqual([404, 'not_found'])
    expect(sent).toEqual([])
  })

  it('says its own status, headers and redirections, but sets no cookie', async () => {
    const policy = "default-src 'self'"
    const { handle } = appProxy(
      () =>
        new Response(null, {
          status: 303,
          headers: {
            location: '../list?x=1#y',
            'content-security-policy': policy,
            'x-frame-options': 'DENY',
            'set-cookie': 'a=b',
            'access-control-allow-origin': '*',
          },
        }),
    )
    const response = await handle(get('/a/b'))
    expect(response.status).toBe(303)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      location: '../list?x=1#y',
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
    })
    expect(response.headers.has('set-cookie') || response.headers.has('access-control-allow-origin')).toBe(
      false,
    )
  })

  it.each([
    ['https://app.sotto/list?x=1#y', '/list?x=1#y'],
    ['https://app.sotto', '/'],
    ['/list', '/list'],
    ['https://other.example/', 'https://other.example/'],
    ['https://app.sotto.example/', 'https://app.sotto.example/'],
  ])('sends a browser to %s by way of %s', async (location, expected) => {
    const { handle } = appProxy(() => new Response(null, { status: 302, headers: { location } }))
    expect((await handle(get('/'))).headers.get('location')).toBe(expected)
  })

  it('answers HEAD without a body', async () => {
    const { handle, sent } = appProxy()
    const response = await handle(new Request(`${PAGE}/`, { method: 'HEAD' }))
    expect([response.status, await response.text(), sent[0]!.method]).toEqual([200, '', 'GET'])
  })
})

describe('pages of the app', () => {
  it('may ask the proxy they came from, the API too', async () => {
    const { handle, sent } = appProxy()
    const own = { origin: PAGE, 'sec-fetch-site': 'same-origin' }
    expect(
      (await handle(new Request(`${PAGE}/notes`, { method: 'POST', body: 'x', headers: own }))).status,
    ).toBe(200)
    expect(
      (await handle(new Request(`${PAGE}/v1/chat/completions`, { method: 'POST', body: '{}', headers: own })))
        .status,
    ).toBe(200)
    // A form of a page that sends no referrer.
    const form = { origin: 'null', 'sec-fetch-site': 'same-origin' }
    expect(
      (await handle(new Request(`${PAGE}/notes`, { method: 'POST', body: 'x', headers: form }))).status,
    ).toBe(200)
    expect(sent).toHaveLength(3)
  })

  it('may be where a link of another page leads, in a window of its own', async () => {
    const { handle } = appProxy()
    const visit = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }
    expect((await handle(get('/', visit))).status).toBe(200)
  })

  it.each<[string, string, Record<string, string>]>([
    ['another page', 'GET', { origin: 'https://evil.example' }],
    ['another page on this machine', 'POST', { origin: 'http://127.0.0.1:1' }],
    ['a page that hides where it is from', 'POST', { origin: 'null' }],
    ['a page of a frame elsewhere', 'POST', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['the same host under another scheme', 'POST', { origin: `https://${HOST}` }],
    [
      'an image of another page',
      'GET',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    ],
    [
      'a frame of another page',
      'GET',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ],
    [
      'a form of another page',
      'POST',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    ],
  ])('are reached by %s no more than the API is', async (_, method, headers) => {
    const { handle, sent } = appProxy()
    const request = new Request(`${PAGE}/notes`, { method, headers, ...(method === 'POST' && { body: 'x' }) })
    expect(await codeOf(await handle(request))).toEqual([403, 'sotto_origin_refused'])
    expect(sent).toEqual([])
  })

  it(
    claim(
      'T21',
      'refuses a foreign Host for the app as well, so that DNS rebinding reaches none of its pages',
    ),
    async () => {
      const { handle, sent } = appProxy()
      const headers = { origin: 'http://evil.example:8787', 'sec-fetch-site': 'same-origin' }
      const request = new Request('http://evil.example:8787/', { headers })
      expect(await codeOf(await handle(request))).toEqual([403, 'sotto_host_refused'])
      expect(sent).toEqual([])
    },
  )

  it('without an app have no origin of their own', async () => {
    const { handle } = appProxy(undefined, { app: false })
    expect(await codeOf(await handle(get('/v1/models', { origin: PAGE })))).toEqual([
      403,
      'sotto_origin_refused',
    ])
  })

  it('ask a browser for the key as a password, and programs as ever', async () => {
    const { handle, sent } = appProxy(undefined, { apiKey: 'open:sesame' })
    const refused = await handle(get('/'))
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="sotto", charset="UTF-8"',
    ])
    expect((await handle(get('/v1/models'))).headers.has('www-authenticate')).toBe(false)
    const basic = (text: string): Record<string, string> => ({ authorization: `Basic ${btoa(text)}` })
    expect((await handle(get('/', basic('anybody:open:sesame')))).status).toBe(200)
    expect((await handle(get('/', { authorization: 'Bearer open:sesame' }))).status).toBe(200)
    for (const wrong of ['anybody:sesame', 'open:sesame', ':', 'x'])
      expect((await handle(get('/', basic(wrong)))).status).toBe(401)
    expect(sent).toHaveLength(2)
  })
})

it('a whole page loads over the wire, with what it is made of', async () => {
  const files: Record<string, [type: string, text: string]> = {
    '/': ['text/html', '<script src="app.js"></script>'],
    '/app.js': ['text/javascript', 'let x'],
  }
  const { proxy, asked } = await startTestProxy(
    (url) => {
      const [type, text] = files[new URL(url).pathname]!
      return new Response(text, { headers: { 'content-type': type } })
    },
    { app: true },
  )
  for (const [path, [type, text]] of Object.entries(files)) {
    const response = await fetch(`${proxy.url}${path}`)
    expect([response.headers.get('content-type'), await response.text()]).toEqual([type, text])
  }
  expect(asked.map(({ url }) => url)).toEqual(['https://app.sotto/', 'https://app.sotto/app.js'])
})
