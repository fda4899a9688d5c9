import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startVendorServer, type VendorFault, type VendorServer } from '@sotto/testkit/vendor-services'
import { ask, type HttpOptions, type HttpQuestion, parseRetryAfter } from '../../src/collateral/http/index.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const DOCUMENT = new TextEncoder().encode('{"of":"the vendor"}')

let server: VendorServer
let waits: number[]
let options: HttpOptions
beforeEach(async () => {
  server = await startVendorServer([
    [
      'amdKds/thing',
      { headers: { 'content-type': 'application/json; charset=utf-8', 'x-extra': 'a' }, body: DOCUMENT },
    ],
    ['amdKds/elsewhere', { headers: { 'content-type': 'application/json' }, body: DOCUMENT }],
  ])
  waits = []
  options = {
    nowMs: () => NOW_MS,
    pause: async (milliseconds) => void waits.push(milliseconds),
    random: () => 1,
    timeoutMs: 2000,
  }
})
afterEach(() => server.close())

const question = (changes: Partial<HttpQuestion> = {}): HttpQuestion => ({
  url: new URL(`${server.url}/amdKds/thing`),
  what: 'the thing',
  accepts: ['application/json'],
  maxBytes: 1000,
  ...changes,
})
const failing = (code: string, more: object = {}): unknown => expect.objectContaining({ code, ...more })

describe('a question to a vendor', () => {
  it('brings the body and the headers of the answer', async () => {
    const answer = await ask(question(), options)
    expect(answer.body).toEqual(DOCUMENT)
    expect(answer.header('X-Extra')).toBe('a')
    expect(answer.header('x-other')).toBeNull()
  })

  it('says the same of everybody: no cookie, no compression, no language', async () => {
    await ask(question(), options)
    expect(server.headers[0]).toMatchObject({
      'user-agent': 'sotto',
      'accept-encoding': 'identity',
      'accept-language': '*',
    })
    expect(server.headers[0]).not.toHaveProperty('cookie')
  })

  it('posts a body with its type', async () => {
    await ask(question({ body: { type: 'application/ocsp-request', bytes: Uint8Array.of(1) } }), options)
    expect(server.asked).toEqual(['POST amdKds/thing'])
    expect(server.headers[0]).toMatchObject({ 'content-type': 'application/ocsp-request' })
  })

  it.each([404, 410, 400])('does not ask again after status %s', async (status) => {
    server.fail('thing', { kind: 'status', status })
    await expect(ask(question(), options)).rejects.toEqual(
      failing('COLLATERAL_MISSING', { found: `status ${status}` }),
    )
    expect(server.asked).toHaveLength(1)
  })

  it.each([401, 403])('gives up at status %s', async (status) => {
    server.fail('thing', { kind: 'status', status })
    await expect(ask(question(), options)).rejects.toEqual(
      failing('COLLATERAL_UNREACHABLE', { action: 'retry' }),
    )
    expect(server.asked).toHaveLength(1)
  })

  it.each<[string, VendorFault, string]>([
    ['another type', { kind: 'content-type', type: 'text/html' }, 'COLLATERAL_INVALID'],
    ['more than anything has', { kind: 'huge', bytes: 5_000_000 }, 'COLLATERAL_INVALID'],
    ['a redirect', { kind: 'redirect', to: '/amdKds/elsewhere' }, 'COLLATERAL_INVALID'],
    ['nothing', { kind: 'body', bytes: new Uint8Array(0) }, 'COLLATERAL_INVALID'],
  ])('refuses %s at once', async (_what, fault, code) => {
    server.fail('thing', fault)
    await expect(ask(question(), options)).rejects.toEqual(failing(code, { action: 'stop' }))
    expect(server.asked).toEqual(['GET amdKds/thing'])
  })

  it('takes any type where servers are known to send wrong ones', async () => {
    server.fail('thing', { kind: 'content-type', type: 'text/html' })
    expect((await ask(question({ accepts: [] }), options)).body).toEqual(DOCUMENT)
  })
})

describe('asking again', () => {
  it('waits as long as the server says', async () => {
    server.fail('thing', { kind: 'status', status: 429, retryAfter: '7' }, 1)
    server.fail(
      'thing',
      { kind: 'status', status: 503, retryAfter: new Date(NOW_MS + 9000).toUTCString() },
      1,
    )
    expect((await ask(question(), options)).body).toEqual(DOCUMENT)
    expect(waits).toEqual([9000, 7000])
  })

  it('waits twice as long from time to time where it says nothing', async () => {
    server.fail('thing', { kind: 'status', status: 503 }, 2)
    server.fail('thing', { kind: 'closed' }, 1)
    expect((await ask(question(), options)).body).toEqual(DOCUMENT)
    expect(waits).toEqual([500, 1000, 2000])
  })

  it('never waits less than the backoff, however short the server says', async () => {
    server.fail('thing', { kind: 'status', status: 429, retryAfter: '0' }, 2)
    await ask(question(), options)
    expect(waits).toEqual([500, 1000])
  })

  it('gives up after the last attempt, with what the server said', async () => {
    server.fail('thing', { kind: 'status', status: 503 })
    await expect(ask(question(), { ...options, attempts: 3 })).rejects.toEqual(
      failing('COLLATERAL_UNREACHABLE', { action: 'retry', found: 'status 503' }),
    )
    expect(server.asked).toHaveLength(3)
  })

  it('does not wait for a server that asks for too much, and says until when', async () => {
    server.fail('thing', { kind: 'status', status: 429, retryAfter: '300' })
    await expect(ask(question(), options)).rejects.toMatchObject({
      code: 'COLLATERAL_UNREACHABLE',
      hint: 'try again in 300 s; asking earlier makes it wait longer',
    })
    expect(server.asked).toHaveLength(1)
  })

  it('fetches a body that was cut again', async () => {
    server.fail('thing', { kind: 'truncated', after: 5 }, 1)
    expect((await ask(question(), options)).body).toEqual(DOCUMENT)
  })

  it('never takes a cut body for a whole one', async () => {
    server.fail('thing', { kind: 'truncated', after: 5 })
    await expect(ask(question(), options)).rejects.toEqual(failing('COLLATERAL_UNREACHABLE'))
  })

  it('ends an answer that does not end', async () => {
    server.fail('thing', { kind: 'slow', after: 5 })
    await expect(ask(question(), { ...options, timeoutMs: 50, attempts: 2 })).rejects.toEqual(
      failing('COLLATERAL_UNREACHABLE', { found: 'no whole answer in 0.05 s' }),
    )
    expect(server.asked).toHaveLength(2)
  })
})

describe('cancelling', () => {
  it('ends an answer that is on its way', async () => {
    server.fail('thing', { kind: 'slow', after: 5 })
    const stop = new AbortController()
    const asking = ask(question(), { ...options, signal: stop.signal })
    await expect.poll(() => server.asked).toHaveLength(1)
    stop.abort(new Error('enough'))
    await expect(asking).rejects.toThrow('enough')
  })

  it('ends a wait', async () => {
    server.fail('thing', { kind: 'status', status: 429, retryAfter: '50' })
    const stop = new AbortController()
    const { pause: _pause, ...rest } = options
    const asking = ask(question(), {
      ...rest,
      signal: stop.signal,
      onWait: () => stop.abort(new Error('enough')),
    })
    await expect(asking).rejects.toThrow('enough')
    expect(server.asked).toHaveLength(1)
  })

  it('asks nothing when it comes first', async () => {
    await expect(
      ask(question(), { ...options, signal: AbortSignal.abort(new Error('enough')) }),
    ).rejects.toThrow('enough')
    expect(server.asked).toEqual([])
  })
})

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 5 ', 5000],
    ['0', 0],
    ['999999999', 86_400_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['Sat, 01 Jan 2028 00:00:00 GMT', 86_400_000],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['1e9', undefined],
    ['', undefined],
    ['9'.repeat(100), undefined],
    [null, undefined],
  ])('%s', (value, expected) => expect(parseRetryAfter(value, NOW_MS)).toBe(expected))
})
