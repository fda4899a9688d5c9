import { describe, expect, it } from 'vitest'
import { clientError } from '../../src/errors.ts'
import { createMetrics } from '../../src/proxy/metrics.ts'
import { createProxyLog } from '../../src/proxy/log.ts'
import { type Route, routeOf } from '../../src/proxy/routes.ts'
import { openAnswer, startTestProxy, TRUST } from './folder.ts'

const METRICS = { host: '127.0.0.1', port: 0 }

describe('metrics of a proxy', () => {
  it('count by kind and status, and say nothing of what was asked, or by whom', async () => {
    const { proxy } = await startTestProxy(
      (url) => {
        const { pathname } = new URL(url)
        if (pathname.endsWith('/embeddings'))
          throw clientError('RELAY_UNREACHABLE', 'the relay is secret.example')
        return Response.json({ words: 'of an answer' }, { status: pathname.endsWith('/models') ? 200 : 418 })
      },
      { apiKey: 'opensesame', metrics: METRICS },
    )
    const headers = { 'api-key': 'opensesame', 'x-name': 'ada' }
    const ask = async (path: string, body?: string): Promise<void> => {
      const response = await fetch(`${proxy.url}${path}`, {
        headers,
        ...(body !== undefined && { method: 'POST', body }),
      })
      await response.text()
    }
    await ask('/v1/models?who=ada')
    await ask('/v1/chat/completions', '{"messages":"words of ada"}')
    await ask('/v1/embeddings', '{}')
    await ask('/secret-path-of-ada')
    await (await fetch(`${proxy.url}/v1/models`)).text()
    const text = await (await fetch(`${proxy.metricsUrl}/metrics`)).text()
    for (const line of [
      'sotto_proxy_requests_total{route="models",status="200"} 1',
      'sotto_proxy_requests_total{route="models",status="401"} 1',
      'sotto_proxy_requests_total{route="chat",status="4xx"} 1',
      'sotto_proxy_requests_total{route="embeddings",status="503"} 1',
      'sotto_proxy_requests_total{route="other",status="404"} 1',
      'sotto_proxy_upstream_failures_total{code="sotto_relay_unreachable"} 1',
      'sotto_proxy_refusals_total{code="invalid_api_key"} 1',
      'sotto_proxy_request_seconds_count{route="models"} 2',
      'sotto_proxy_request_seconds_bucket{route="models",le="+Inf"} 2',
      'sotto_proxy_in_flight 0',
      'sotto_proxy_waiting 0',
      'sotto_proxy_verified 1',
      `sotto_proxy_verdict_expires_timestamp_seconds ${TRUST.validUntil}`,
    ])
      expect(text.split('\n')).toContain(line)
    expect(text).not.toMatch(/ada|opensesame|secret|words|sotto_proxy_tokens [0-9]/)
  })

  it('show what is under way, what waits, and how many tokens there are', async () => {
    const answers: ReturnType<typeof openAnswer>[] = []
    const { proxy } = await startTestProxy(
      () => {
        const answer = openAnswer()
        answers.push(answer)
        return answer.response
      },
      { metrics: METRICS, limits: { maxConcurrent: 1 }, countTokens: async () => 7 },
    )
    const metrics = async (): Promise<string> => (await fetch(`${proxy.metricsUrl}/metrics`)).text()
    const two = [fetch(`${proxy.url}/v1/models`), fetch(`${proxy.url}/v1/models`)]
    await expect.poll(metrics).toMatch(/in_flight 1\n[^]*waiting 1\n/)
    expect(await metrics()).toContain('sotto_proxy_tokens 7\n')
    answers[0]!.end()
    await expect.poll(() => answers.length).toBe(2)
    answers[1]!.end()
    for (const response of await Promise.all(two)) await response.text()
    await expect.poll(metrics).toMatch(/in_flight 0\n[^]*waiting 0\n/)
  })

  it('count what was cut, and what its caller left', async () => {
    let isCut = true
    const { proxy } = await startTestProxy(
      () => {
        if (!isCut) return openAnswer().response
        return new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue(new Uint8Array(1))
            },
            pull() {
              throw clientError('RESPONSE_TRUNCATED', 'cut')
            },
          }),
        )
      },
      { metrics: METRICS },
    )
    const metrics = async (): Promise<string> => (await fetch(`${proxy.metricsUrl}/metrics`)).text()
    await expect(fetch(`${proxy.url}/v1/models`).then((answer) => answer.text())).rejects.toThrow()
    expect(await metrics()).toContain('upstream_failures_total{code="sotto_response_truncated"} 1')
    isCut = false
    const leave = new AbortController()
    await fetch(`${proxy.url}/v1/models`, { signal: leave.signal })
    leave.abort()
    await expect.poll(metrics).toContain('sotto_proxy_in_flight 0\n')
    expect(await metrics()).not.toContain('sotto_internal')
  })

  it('are nowhere else, and nothing else is there', async () => {
    const { proxy } = await startTestProxy(() => Response.json({}), { metrics: METRICS })
    expect((await fetch(`${proxy.url}/metrics`)).status).toBe(404)
    for (const path of ['/', '/v1/models', '/sotto/trust', '/metrics/x'])
      expect((await fetch(`${proxy.metricsUrl}${path}`)).status).toBe(404)
    expect((await fetch(`${proxy.metricsUrl}/metrics`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${proxy.metricsUrl}/livez`)).status).toBe(200)
  })
})

describe('readiness of a proxy', () => {
  it('is that the verdict holds now, which is renewed before somebody asks', async () => {
    let now = 100
    let verdict = { ...TRUST, validUntil: 200 }
    let verified = 0
    const { proxy } = await startTestProxy(() => Response.json({}), {
      metrics: METRICS,
      now: () => now,
      sotto: {
        fetch: globalThis.fetch,
        receipts: [],
        get trust() {
          return verdict
        },
        async verify() {
          if (++verified === 1) throw clientError('BUNDLE_UNREACHABLE', 'not now')
          verdict = { ...verdict, validUntil: 1000 }
          return verdict
        },
      },
    })
    const readyz = async (): Promise<number> => (await fetch(`${proxy.metricsUrl}/readyz`)).status
    expect(await readyz()).toBe(200)
    now = 200
    expect(await readyz()).toBe(503)
    expect(await (await fetch(`${proxy.metricsUrl}/metrics`)).text()).toContain('sotto_proxy_verified 0\n')
    await expect.poll(readyz, { timeout: 8000 }).toBe(200)
    expect(verified).toBe(2)
    verdict = { ...verdict, ok: false }
    expect(await readyz()).toBe(503)
  })
})

describe('log lines of a proxy', () => {
  it('say when, what kind and how it went: never a path, a query, a header or a word', async () => {
    const lines: string[] = []
    const { proxy } = await startTestProxy(() => Response.json({ words: 'secret' }), {
      writeLog: (line) => lines.push(line),
    })
    await (await fetch(`${proxy.url}/v1/models?secret=1`, { headers: { cookie: 'secret' } })).text()
    await (await fetch(`${proxy.url}/secret`)).text()
    await proxy.close()
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown
    expect(events).toEqual([
      { time, event: 'listening', url: proxy.url },
      { time, event: 'request', status: 200, route: 'models' },
      { time, event: 'request', status: 404, code: 'not_found', route: 'other' },
      { time, event: 'closed' },
    ])
    expect(lines.join('')).not.toContain('secret')
  })

  it('drop what is not of its kind', () => {
    const lines: string[] = []
    const log = createProxyLog(
      (line) => lines.push(line),
      true,
      () => 0,
    )
    const time = '1970-01-01T00:00:00.000Z'
    log('request', { status: 200, code: 'two words', route: '/v1/secret', user: 'a b', count: -1, url: 'x' })
    log('request', { status: 999, user: 'ada', ...({ path: '/secret' } as object) })
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { time, event: 'request', status: 200 },
      { time, event: 'request', user: 'ada' },
    ])
    const silent = createProxyLog(
      (line) => lines.push(line),
      false,
      () => 0,
    )
    silent('request', { user: 'ada' })
    expect(JSON.parse(lines[2]!)).toEqual({ time, event: 'request' })
  })
})

describe('the text of metrics', () => {
  it('is what Prometheus reads, whatever a label holds', () => {
    const metrics = createMetrics()
    const add = metrics.counter('a_total', 'Help.')
    add({ x: 'q"\\\n' })
    add({ x: 'q"\\\n' })
    metrics.gauge('b', 'Help.', () => undefined)
    const observe = metrics.histogram('c', 'Help.', [1, 2])
    for (const value of [0.5, 1, 1.5, 9]) observe(value)
    expect(metrics.render()).toBe(
      [
        '# HELP a_total Help.',
        '# TYPE a_total counter',
        'a_total{x="q\\"\\\\\\n"} 2',
        '# HELP b Help.',
        '# TYPE b gauge',
        '# HELP c Help.',
        '# TYPE c histogram',
        'c_bucket{le="1"} 2',
        'c_bucket{le="2"} 3',
        'c_bucket{le="+Inf"} 4',
        'c_sum 12',
        'c_count 4',
        '',
      ].join('\n'),
    )
  })
})

it.each<[string, boolean, Route]>([
  ['/v1/chat/completions', false, 'chat'],
  ['/openai/v1/chat/completions', false, 'chat'],
  ['/openai/deployments/gpt/chat/completions', false, 'chat'],
  ['/openai/deployments/gpt/audio/transcriptions', false, 'audio'],
  ['/v1/completions', false, 'completions'],
  ['/v1/responses/resp_1', false, 'responses'],
  ['/v1/embeddings', false, 'embeddings'],
  ['/v1/summaries', false, 'summaries'],
  ['/v1/models/x', false, 'models'],
  ['/v1/sealed-models', false, 'sealed-models'],
  ['/v1/%73ealed-models', false, 'sealed-models'],
  ['/v2/models/x/infer', false, 'tensors'],
  ['/v1/constructor', false, 'other'],
  ['/v1/', true, 'other'],
  ['/v1', true, 'other'],
  ['/healthz', true, 'local'],
  ['/sotto/trust', true, 'local'],
  ['/', false, 'other'],
  ['/', true, 'app'],
  ['/v1x/secret', true, 'app'],
  ['/assets/app.js', true, 'app'],
])('%s (with an app: %s) is of the kind %s', (path, hasApp, route) => {
  expect(routeOf(path, hasApp)).toBe(route)
})
