import { describe, expect, it } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { oneShot, open, post, posts } from './support/open.ts'
import { createService } from './support/service.ts'

describe('what the network sees', () => {
  it(
    claim(['T17', 'T18', 'see.network'], 'is the same header for everybody, and nothing of the caller’s'),
    async () => {
      const service = await createService()
      const headers = {
        authorization: 'Bearer secret',
        'user-agent': 'OpenAI/JS 7',
        'x-stainless-os': 'Linux',
        cookie: 'a=b',
      }
      await (await post(await open(service), '{}', { headers })).text()
      expect(posts(service)[0]!.headers).toEqual({
        'accept-encoding': 'identity',
        'accept-language': '*',
        'content-type': 'message/ohttp-chunked-req',
        incremental: '?1',
        'user-agent': 'sotto',
      })
      expect(Object.keys(service.innerCalls[0]!.headers).sort()).toEqual(['content-type', 'date'])
    },
  )

  it(claim('T17', 'is one of few sizes'), async () => {
    const service = await createService()
    const sotto = await open(service)
    const sizes = new Map<number, number>()
    for (const length of [0, 1, 100, 700, 1000, 3500, 4000, 15_000, 16_000, 60_000, 70_000, 1_000_000]) {
      await (await post(sotto, 'x'.repeat(length))).text()
      sizes.set(length, posts(service).at(-1)!.body.length)
    }
    // Header 7, X-Wing key 1120; each full chunk costs 4 + 16 bytes, the final one 1 + 16.
    const wire = (padded: number): number => {
      const chunks = Math.ceil(padded / 16_384)
      return 7 + 1120 + padded + (chunks - 1) * 20 + 17
    }
    expect([...sizes]).toEqual([
      [0, wire(1024)],
      [1, wire(1024)],
      [100, wire(1024)],
      [700, wire(1024)],
      [1000, wire(4096)],
      [3500, wire(4096)],
      [4000, wire(16_384)],
      [15_000, wire(16_384)],
      [16_000, wire(16_384)],
      [60_000, wire(65_536)],
      [70_000, wire(71_680)],
      [1_000_000, wire(1_015_808)],
    ])
  })

  it(claim('T5', 'uses X-Wing and fresh keys for each request'), async () => {
    const service = await createService()
    const sotto = await open(service)
    for (let i = 0; i < 4; i++) await (await post(sotto)).text()
    expect(
      new Set(posts(service).map(({ body }) => Buffer.from(body.subarray(1, 3)).toString('hex'))),
    ).toEqual(new Set(['647a']))
    const answered = service.encs.length
    expect([answered, new Set(service.encs).size]).toEqual([answered, answered])
    expect(answered).toBeGreaterThanOrEqual(4)
  })

  it('is a stream for a long upload, and one blob where the platform cannot stream', async () => {
    const service = await createService()
    const bodies: unknown[] = []
    const spy = (async (url: unknown, init: RequestInit) => {
      if (init.method === 'POST')
        bodies.push([init.body?.constructor.name, (init as { duplex?: string }).duplex])
      return service.fetch(url as string, init)
    }) as typeof globalThis.fetch
    for (const streamUploads of [true, false]) {
      const sotto = await open(service, { fetch: spy, streamUploads })
      await (await post(sotto, oneShot(300_000))).text()
      await (await post(sotto, 'short')).text()
    }
    expect(bodies.filter((_, i) => i % 3 !== 1)).toContainEqual(['ReadableStream', 'half'])
    expect(bodies).toContainEqual(['Blob', undefined])
    expect(bodies).toContainEqual(['Uint8Array', undefined])
    expect(service.innerCalls.filter(({ body }) => body.length === 300_000)).toHaveLength(2)
  })
})

describe('a cut answer', () => {
  const long = (): Response =>
    new Response(new Uint8Array(50_000), { headers: { 'content-type': 'audio/wav' } })

  it.each([
    [
      'after every byte but the last',
      (all: Uint8Array[]) => [...all.slice(0, -1), all.at(-1)!.subarray(0, -1)],
    ],
    ['at a chunk boundary before the final chunk', (all: Uint8Array[]) => all.slice(0, -2)],
    ['after the first chunk', (all: Uint8Array[]) => all.slice(0, 4)],
  ])('errors, it never looks complete: %s', async (_, cut) => {
    const service = await createService()
    service.knobs.app = long
    service.knobs.mangle = async function* (sealed) {
      yield* cut(await Array.fromAsync(sealed))
    }
    const sotto = await open(service)
    const response = await post(sotto)
    await expect(response.arrayBuffer()).rejects.toMatchObject({
      code: 'RESPONSE_TRUNCATED',
      action: 'retry',
    })
    await expect(sotto.receiptOf(response)).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
  })

  it('errors when the connection breaks', async () => {
    const service = await createService()
    service.knobs.app = long
    service.knobs.mangle = async function* (sealed) {
      for await (const part of sealed) {
        yield part
        if (part.length > 10_000) throw new TypeError('terminated')
      }
    }
    await expect((await post(await open(service))).text()).rejects.toMatchObject({
      code: 'RESPONSE_TRUNCATED',
    })
  })

  it('is refused when there is not even a head', async () => {
    const service = await createService()
    service.knobs.mangle = async function* () {}
    await expect(post(await open(service))).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
  })

  it('is an attack when a byte was changed', async () => {
    const service = await createService()
    service.knobs.app = long
    service.knobs.mangle = async function* (sealed) {
      let count = 0
      for await (const part of sealed) {
        const copy = part.slice()
        if (++count === 6) copy[3]! ^= 1
        yield copy
      }
    }
    await expect((await post(await open(service))).text()).rejects.toMatchObject({
      code: 'RESPONSE_INVALID',
      action: 'stop',
    })
  })
})

describe('an answer in clear', () => {
  const ohttp = { 'content-type': 'message/ohttp-chunked-res' }

  it.each([
    ['an error', () => new Response('{"error":"x"}', { status: 500 }), 'RELAY_REFUSED'],
    ['a request too large', () => new Response(null, { status: 413 }), 'REQUEST_TOO_LARGE'],
    ['a busy relay', () => new Response(null, { status: 503 }), 'RELAY_REFUSED'],
    [
      'a redirect',
      () => new Response(null, { status: 307, headers: { location: 'https://evil.example' } }),
      'RELAY_REFUSED',
    ],
    ['success in clear', () => Response.json({ choices: [] }), 'RESPONSE_INVALID'],
    [
      'the unchunked framing',
      () => new Response('x', { headers: { 'content-type': 'message/ohttp-res' } }),
      'RESPONSE_INVALID',
    ],
    ['an error of the right type', () => new Response('x', { status: 400, headers: ohttp }), 'RELAY_REFUSED'],
    [
      'garbage of the right type',
      () => new Response(new Uint8Array(100).fill(1), { headers: ohttp }),
      'RESPONSE_INVALID',
    ],
  ])('is never taken for the enclave’s: %s', async (_, outer, code) => {
    const service = await createService()
    service.knobs.outer = ({ method }) => (method === 'POST' ? outer() : undefined)
    await expect(post(await open(service))).rejects.toMatchObject({ code })
    expect(posts(service)).toHaveLength(1)
  })

  it('is not repeated when the connection fails', async () => {
    const service = await createService()
    service.knobs.outer = ({ method }) => {
      if (method === 'POST') throw new TypeError('fetch failed')
      return undefined
    }
    await expect(post(await open(service))).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    expect(posts(service)).toHaveLength(1)
  })
})
