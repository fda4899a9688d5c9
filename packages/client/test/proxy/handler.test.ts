import { SottoError } from '@sotto/protocol/errors'
import { beforeEach, describe, expect, it } from 'vitest'
import { clientError } from '../../src/errors.ts'
import { createProxy, type ProxyOptions } from '../../src/proxy/index.ts'
import { claim } from '../../../../test/claims.ts'

const HOST = '127.0.0.1:8787'
const TRUST = { ok: true, steps: [], software: true, trustedParties: ['a test'], validUntil: 5 }

interface Sent {
  url: string
  init: RequestInit & { body: unknown }
}

let sent: Sent[] = []
let reply: () => Promise<Response> = async () => Response.json({ ok: true })

beforeEach(() => {
  sent = []
  reply = async () => Response.json({ ok: true })
})

function proxy(options: Partial<ProxyOptions> = {}): (request: Request) => Promise<Response> {
  const fetch = async (url: unknown, init: unknown): Promise<Response> => {
    sent.push({ url: String(url), init: init as Sent['init'] })
    return reply()
  }
  return createProxy({
    sotto: { fetch: fetch as typeof globalThis.fetch, trust: TRUST, receipts: [] },
    hosts: [HOST],
    ...options,
  })
}

const get = (path: string, headers: Record<string, string> = {}, host = HOST): Request =>
  new Request(`http://${host}${path}`, { headers })
const post = (path: string, body: BodyInit, headers: Record<string, string> = {}): Request =>
  new Request(`http://${HOST}${path}`, { method: 'POST', body, headers })

async function codeOf(response: Response): Promise<[number, string]> {
  const body = (await response.json()) as { error: { code: string } }
  return [response.status, body.error.code]
}

describe('proxy guard', () => {
  it(claim('T21', 'refuses a foreign Host, so that DNS rebinding reaches nothing'), async () => {
    expect(await codeOf(await proxy()(get('/v1/models', {}, 'evil.example:8787')))).toEqual([
      403,
      'sotto_host_refused',
    ])
    expect(sent).toEqual([])
  })

  it(claim('T21', 'refuses every web origin by default'), async () => {
    const response = await proxy()(post('/v1/chat/completions', '{}', { origin: 'https://evil.example' }))
    expect(response.headers.has('access-control-allow-origin')).toBe(false)
    expect(await codeOf(response)).toEqual([403, 'sotto_origin_refused'])
    expect(await codeOf(await proxy()(get('/sotto/trust', { origin: 'null' })))).toEqual([
      403,
      'sotto_origin_refused',
    ])
    expect(sent).toEqual([])
  })

  it('refuses cross-site requests that carry no Origin', async () => {
    expect(await codeOf(await proxy()(get('/v1/models', { 'sec-fetch-site': 'cross-site' })))).toEqual([
      403,
      'sotto_origin_refused',
    ])
  })

  it('serves an origin that was allowed, with CORS for it alone', async () => {
    const handler = proxy({ origins: ['http://localhost:5173'] })
    const response = await handler(get('/v1/models', { origin: 'http://localhost:5173' }))
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
    // An SDK in the page repeats what it does not see this of.
    expect(response.headers.get('access-control-expose-headers')).toContain('x-should-retry')
    const preflight = await handler(
      new Request(`http://${HOST}/v1/models`, {
        method: 'OPTIONS',
        headers: { origin: 'http://localhost:5173', 'access-control-request-method': 'POST' },
      }),
    )
    expect(preflight.status).toBe(204)
  })

  it(claim('T21', 'requires the local secret when there is one, by either header'), async () => {
    const handler = proxy({ apiKey: 'opensesame' })
    expect(await codeOf(await handler(get('/v1/models')))).toEqual([401, 'invalid_api_key'])
    expect(await codeOf(await handler(get('/sotto/receipts', { 'api-key': 'wrong' })))).toEqual([
      401,
      'invalid_api_key',
    ])
    expect((await handler(get('/v1/models', { authorization: 'Bearer opensesame' }))).status).toBe(200)
    expect((await handler(get('/v1/models', { 'api-key': 'opensesame' }))).status).toBe(200)
    expect((await handler(get('/healthz'))).status).toBe(200)
  })
})

describe('proxy routes', () => {
  it('answers trust, receipts and health itself', async () => {
    expect(await (await proxy()(get('/sotto/trust'))).json()).toEqual(TRUST)
    expect(await (await proxy()(get('/sotto/receipts'))).json()).toEqual({ receipts: [] })
    expect(await (await proxy()(get('/healthz'))).json()).toEqual({ status: 'ok' })
    expect(sent).toEqual([])
  })

  it('passes /v1 through with query, and says that a software TEE answered', async () => {
    const response = await proxy()(get('/v1/models?x=1'))
    expect(sent[0]!.url).toBe('https://inference.sotto/v1/models?x=1')
    expect(response.headers.get('x-sotto-software-tee')).toBe('true')
  })

  it('does not pass cookies or CORS fields of the inner answer on', async () => {
    reply = async () =>
      new Response('x', {
        headers: { 'set-cookie': 'a=b', 'access-control-allow-origin': '*', 'x-request-id': '7' },
      })
    const response = await proxy()(get('/v1/models'))
    expect([...response.headers.keys()].sort()).toEqual([
      'content-type',
      'x-request-id',
      'x-sotto-software-tee',
    ])
    expect(response.headers.get('x-request-id')).toBe('7')
  })

  it('gives every answer of its own a request id that says nothing', async () => {
    const handler = proxy({ apiKey: 'opensesame' })
    reply = async () => Promise.reject(new SottoError('RELAY_UNREACHABLE', 'retry', 'no answer'))
    const key = { 'api-key': 'opensesame', 'x-request-id': 'mine', 'x-client-request-id': 'mine' }
    const answers = [
      await handler(get('/healthz')),
      await handler(get('/sotto/trust', key)),
      await handler(get('/nothing', key)),
      await handler(get('/v1/models')),
      await handler(get('/v1/models', key)),
      await handler(get('/v1/models', key, 'evil.example:8787')),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 401, 503, 403])
    const ids = answers.map(({ headers }) => headers.get('x-request-id'))
    for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it.each([['chat/completions'], ['completions'], ['embeddings']])(
    'rewrites the Azure path of %s and sets the model',
    async (operation) => {
      await proxy()(
        post(
          `/openai/deployments/org%2Fmy-model/${operation}?api-version=2024-10-21`,
          '{"model":"theirs","n":1}',
        ),
      )
      expect(sent[0]!.url).toBe(`https://inference.sotto/v1/${operation}`)
      expect(JSON.parse(sent[0]!.init.body as string)).toEqual({ model: 'org/my-model', n: 1 })
    },
  )

  it('sets the model of an Azure upload while it streams', async () => {
    const form = new FormData()
    form.append('file', new File(['RIFF'], 'a.wav'))
    form.append('model', 'theirs')
    await proxy()(post('/openai/deployments/whisper/audio/transcriptions?api-version=1', form))
    const { body, headers } = sent[0]!.init
    const parts: Uint8Array[] = []
    for await (const part of body as AsyncIterable<Uint8Array>) parts.push(part)
    const back = await new Response(Buffer.concat(parts), {
      headers: { 'content-type': new Headers(headers).get('content-type')! },
    }).formData()
    expect(back.getAll('model')).toEqual(['whisper'])
    expect(await (back.get('file') as File).text()).toBe('RIFF')
    expect([...back.keys()]).toEqual(['model', 'file'])
  })

  it.each([
    ['not JSON', 'hello'],
    ['an array', '[]'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
  ])('refuses an Azure body that is %s', async (_, body) => {
    expect(await codeOf(await proxy()(post('/openai/deployments/m/embeddings', body)))).toEqual([
      400,
      'sotto_request_invalid',
    ])
    expect(sent).toEqual([])
  })

  it.each([
    ['/'],
    ['/v3/models'],
    ['/v2x'],
    ['/openai/deployments/a%ZZ/embeddings'],
    ['/openai/deployments/a b/embeddings'],
    ['/openai/deployments/a/files'],
    ['/toString'],
  ])('has nothing at %s', async (path) => {
    expect(await codeOf(await proxy()(post(path, '{}')))).toEqual([404, 'not_found'])
  })

  it('allows only POST on deployments and GET on its own pages', async () => {
    expect((await proxy()(get('/openai/deployments/m/embeddings'))).status).toBe(405)
    expect((await proxy()(post('/sotto/trust', ''))).status).toBe(405)
  })
})

describe('proxy errors', () => {
  it('reports a refused verification as 502 that SDKs do not retry', async () => {
    reply = async () =>
      Promise.reject(new SottoError('VERIFY_REFUSED', 'stop', 'verification refused: kms.measurement'))
    const response = await proxy()(get('/v1/models'))
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await codeOf(response)).toEqual([502, 'sotto_verify_refused'])
  })

  it('reports a request too large as 413, which SDKs do not retry', async () => {
    reply = async () => Promise.reject(clientError('REQUEST_TOO_LARGE', 'no request of this size'))
    const response = await proxy()(post('/v1/audio/transcriptions', 'x'))
    expect([response.status, await response.json()]).toMatchObject([
      413,
      { error: { code: 'sotto_request_too_large', type: 'invalid_request_error', action: 'fix-input' } },
    ])
  })

  it('tells nothing about an unexpected failure', async () => {
    reply = async () => Promise.reject(new Error('secret prompt'))
    const response = await proxy()(get('/v1/models'))
    const text = await response.text()
    expect([response.status, text.includes('secret')]).toEqual([500, false])
  })

  it('passes an inner error through unchanged', async () => {
    reply = async () =>
      Response.json(
        { error: { message: 'no such model', type: 'x', param: 'model', code: 'model_not_found' } },
        { status: 404 },
      )
    expect(await codeOf(await proxy()(get('/v1/models/x')))).toEqual([404, 'model_not_found'])
  })
})
