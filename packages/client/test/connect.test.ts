import { encodeTrustBundle } from '@sotto/protocol/evidence'
import { describe, expect, it } from 'vitest'
import { connect, type ConnectOptions, type Sotto, type SottoStorage } from '../src/index.ts'
import { bundleAtHead, createService, type FakeService, RELAY } from './support/service.ts'
import { claim } from '../../../test/claims.ts'

async function open(service: FakeService, options: Partial<ConnectOptions> = {}): Promise<Sotto> {
  return connect(RELAY, { policy: service.world.policy, fetch: service.fetch, now: service.now, ...options })
}

const post = (sotto: Sotto, body: BodyInit = '{}', init: RequestInit = {}): Promise<Response> =>
  sotto.fetch(`${sotto.baseURL}/chat/completions`, { method: 'POST', body, ...init })

const posts = (service: FakeService): FakeService['outerCalls'] =>
  service.outerCalls.filter(({ method }) => method === 'POST')

function oneShot(size: number): ReadableStream<Uint8Array> {
  let left = size
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close()
      const length = Math.min(left, 50_000)
      left -= length
      controller.enqueue(new Uint8Array(length).fill(7))
    },
  })
}

describe('sotto.fetch', () => {
  it('sends inside the encryption and answers with what the enclave said', async () => {
    const service = await createService()
    service.knobs.app = async (request) => Response.json({ echo: await request.text() }, { status: 201 })
    const sotto = await open(service)
    const response = await post(sotto, 'a secret')
    expect([response.status, await response.json()]).toEqual([201, { echo: 'a secret' }])
    expect(service.outerCalls.map(({ method, path }) => [method, path])).toEqual([
      ['GET', '/relay/inference/trust'],
      ['POST', '/relay/inference'],
    ])
    expect(Buffer.from(posts(service)[0]!.body).includes('secret')).toBe(false)
  })

  it('passes an inner error through as the enclave’s own answer, without retry', async () => {
    const service = await createService()
    service.knobs.app = () => Response.json({ error: { code: 'internal' } }, { status: 500 })
    const response = await post(await open(service))
    expect([response.status, posts(service).length]).toEqual([500, 1])
  })

  it('streams the answer as it comes', async () => {
    const service = await createService()
    let feed!: ReadableStreamDefaultController<Uint8Array>
    service.knobs.app = () =>
      new Response(new ReadableStream<Uint8Array>({ start: (controller) => void (feed = controller) }), {
        headers: { 'content-type': 'text/event-stream' },
      })
    const response = await post(await open(service))
    const reader = response.body!.getReader()
    feed.enqueue(new TextEncoder().encode('data: 1\n\n'))
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n')
    feed.enqueue(new TextEncoder().encode('data: 2\n\n'))
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 2\n\n')
    feed.close()
    expect((await reader.read()).done).toBe(true)
  })

  it('sends forms with their text fields first', async () => {
    const service = await createService()
    const form = new FormData()
    form.append('file', new File(['RIFF'], 'a.wav'))
    form.append('model', 'whisper')
    service.knobs.app = async (request) => Response.json([...(await request.formData()).keys()])
    expect(await (await post(await open(service), form)).json()).toEqual(['model', 'file'])
  })

  it('answers a status without content', async () => {
    const service = await createService()
    service.knobs.app = () => new Response(null, { status: 204 })
    const response = await post(await open(service))
    expect([response.status, response.body]).toEqual([204, null])
  })

  it('refuses an address outside the enclave before anything is sent', async () => {
    const service = await createService()
    const sotto = await open(service)
    await expect(sotto.fetch('https://api.openai.com/v1/models')).rejects.toMatchObject({
      code: 'REQUEST_ORIGIN',
    })
    expect(posts(service)).toEqual([])
  })
})

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

describe('a key the gateway does not hold', () => {
  it('is verified anew and the request sent once more under fresh keys', async () => {
    const service = await createService()
    const sotto = await open(service)
    const { policy } = service.world
    await service.rotate()
    // The deployment is another one altogether, so the pinned policy must refuse it.
    await expect(post(sotto)).rejects.toMatchObject({ code: 'VERIFY_REFUSED' })
    expect(service.world.policy).not.toEqual(policy)
  })

  it('is retried once only, and only when the body can be sent again', async () => {
    const service = await createService()
    service.knobs.outer = ({ method }) =>
      method === 'POST' ? new Response(null, { status: 422 }) : undefined
    const sotto = await open(service)
    await expect(post(sotto)).rejects.toMatchObject({ code: 'KEY_UNKNOWN', action: 'retry' })
    expect(service.outerCalls.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'POST'])
    service.outerCalls.length = 0
    await expect(post(sotto, oneShot(200_000))).rejects.toMatchObject({ code: 'KEY_UNKNOWN' })
    expect(service.outerCalls.map(({ method }) => method)).toEqual(['POST', 'GET'])
  })

  it('succeeds when the gateway holds it after all', async () => {
    const service = await createService()
    let refusals = 1
    service.knobs.outer = ({ method }) =>
      method === 'POST' && refusals-- > 0 ? new Response(null, { status: 422 }) : undefined
    expect((await post(await open(service))).status).toBe(200)
    expect(
      new Set(posts(service).map(({ body }) => Buffer.from(body.subarray(7, 71)).toString('hex'))).size,
    ).toBe(2)
  })

  it('makes concurrent requests verify once together', async () => {
    const service = await createService()
    let refusals = 3
    service.knobs.outer = ({ method }) =>
      method === 'POST' && refusals-- > 0 ? new Response(null, { status: 422 }) : undefined
    const sotto = await open(service)
    await Promise.all([post(sotto), post(sotto), post(sotto)])
    expect(service.outerCalls.filter(({ method }) => method === 'GET')).toHaveLength(2)
  })
})

describe('a clock that is off', () => {
  it('is corrected by the enclave’s for one retry', async () => {
    const service = await createService()
    service.knobs.clockOffsetMs = 600_000
    const sotto = await open(service)
    expect((await post(sotto)).status).toBe(200)
    expect(service.innerCalls.filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(2)
  })

  it('is reported when the retry cannot help', async () => {
    const service = await createService()
    service.knobs.clockOffsetMs = 600_000
    const response = await post(await open(service), oneShot(200_000))
    expect([response.status, ((await response.json()) as { type: string }).type]).toEqual([
      400,
      'https://iana.org/assignments/http-problem-types#date',
    ])
    expect(service.innerCalls).toHaveLength(1)
  })

  it('is not assumed for another 400', async () => {
    const service = await createService()
    const problem = { type: 'about:blank', title: 'x'.repeat(40_000) }
    service.knobs.app = () =>
      Response.json(problem, { status: 400, headers: { 'content-type': 'application/problem+json' } })
    const response = await post(await open(service))
    expect(await response.json()).toEqual(problem)
    expect(service.innerCalls.filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(1)
  })
})

describe('cancelling', () => {
  it('before anything is sent sends nothing', async () => {
    const service = await createService()
    const sotto = await open(service)
    await expect(post(sotto, '{}', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(posts(service)).toEqual([])
  })

  it('while the answer streams ends the body with the reason, also when nothing is being sent', async () => {
    const service = await createService()
    const gone = Promise.withResolvers<void>()
    service.knobs.app = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (c) => c.enqueue(new Uint8Array(9)),
          cancel: () => gone.resolve(),
        }),
      )
    const stop = new AbortController()
    const response = await post(await open(service), '{}', { signal: stop.signal })
    const reader = response.body!.getReader()
    await reader.read()
    stop.abort(new Error('enough'))
    await gone.promise
    await expect(reader.read()).rejects.toThrow('enough')
  })

  it('the body cancels upstream without waiting for the next word', async () => {
    const service = await createService()
    const gone = Promise.withResolvers<void>()
    service.knobs.app = () =>
      new Response(
        new ReadableStream<Uint8Array>({
          start: (c) => c.enqueue(new Uint8Array(9)),
          cancel: () => gone.resolve(),
        }),
      )
    const reader = (await post(await open(service))).body!.getReader()
    await reader.read()
    await reader.cancel()
    await gone.promise
  })

  it('surfaces what the caller’s own body throws', async () => {
    const service = await createService()
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(40_000))
        if (this.count++ > 3) controller.error(new Error('disk failed'))
      },
      count: 0,
    } as UnderlyingDefaultSource<Uint8Array> & { count: number })
    await expect(post(await open(service), body)).rejects.toThrow('disk failed')
    expect(service.innerCalls).toEqual([])
  })
})

describe('the verdict', () => {
  it('is kept until it runs out and then verified again', async () => {
    const service = await createService()
    let now = service.world.now
    const names: string[] = []
    const sotto = await open(service, { now: () => now, onStep: ({ name }) => names.push(name) })
    await (await post(sotto)).text()
    const steps = names.length
    expect(steps).toBe(sotto.trust.steps.length)
    expect(service.outerCalls.filter(({ method }) => method === 'GET')).toHaveLength(1)
    now = sotto.trust.validUntil
    await Promise.all([post(sotto), post(sotto)])
    expect(service.outerCalls.filter(({ method }) => method === 'GET')).toHaveLength(2)
    expect(names).toHaveLength(2 * steps)
  })
})

describe('the log', () => {
  function memory(): SottoStorage & { values: Map<string, string> } {
    const values = new Map<string, string>()
    return {
      values,
      get: async (key) => values.get(key),
      set: async (key, value) => void values.set(key, value),
    }
  }

  it(claim(['chain.log', 'T6'], 'may grow between two looks, proven by its tiles'), async () => {
    const service = await createService()
    const storage = memory()
    await open(service, { storage })
    const grown = encodeTrustBundle(await bundleAtHead(service.world))
    service.knobs.bundleBytes = () => grown
    const sotto = await open(service, { storage })
    expect(sotto.trust.steps.find(({ name }) => name === 'log.consistency')).toMatchObject({
      status: 'pass',
    })
    expect(service.outerCalls.some(({ path }) => path.startsWith('/log/tile/'))).toBe(true)
    expect(posts(service)).toEqual([])
    expect(JSON.parse([...storage.values.values()][0]!)).toMatchObject({ size: 7 })
  })

  it(claim('chain.log', 'is refused when it shrank or shows another history'), async () => {
    const service = await createService()
    for (const [size, root] of [
      [100, 'aa'.repeat(32)],
      [6, 'aa'.repeat(32)],
    ] as const) {
      const storage = memory()
      storage.values.set(`checkpoint ${service.world.log.key}`, JSON.stringify({ size, root }))
      const error = await open(service, { storage }).catch((caught: unknown) => caught)
      expect(error).toMatchObject({
        code: 'VERIFY_REFUSED',
        message: expect.stringContaining('log.consistency'),
      })
    }
    expect(posts(service)).toEqual([])
  })

  it('is refused when its tiles prove no growth', async () => {
    const service = await createService()
    const storage = memory()
    storage.values.set(
      `checkpoint ${service.world.log.key}`,
      JSON.stringify({ size: 3, root: 'aa'.repeat(32) }),
    )
    await expect(open(service, { storage })).rejects.toMatchObject({ code: 'VERIFY_REFUSED' })
  })

  it('cannot be judged when it does not answer', async () => {
    const service = await createService()
    const storage = memory()
    await open(service, { storage })
    const grown = encodeTrustBundle(await bundleAtHead(service.world))
    service.knobs.bundleBytes = () => grown
    service.knobs.outer = ({ path }) =>
      path.startsWith('/log/') ? new Response(null, { status: 404 }) : undefined
    await expect(open(service, { storage })).rejects.toMatchObject({ code: 'BUNDLE_UNREACHABLE' })
    expect(posts(service)).toEqual([])
  })

  it.each([['{'], ['{"size":-1,"root":"aa"}'], ['null']])(
    'is not forgotten by accident: %s',
    async (damaged) => {
      const service = await createService()
      const storage = memory()
      storage.values.set(`checkpoint ${service.world.log.key}`, damaged)
      await expect(open(service, { storage })).rejects.toMatchObject({ code: 'STORAGE_INVALID' })
    },
  )
})
