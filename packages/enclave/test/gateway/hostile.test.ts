import { describe, expect, onTestFinished, test } from 'vitest'
import { concat, fromHex, uint, utf8 } from '@sotto/protocol/bytes'
import { encodeEnd, encodeRequestStart } from '@sotto/protocol/bhttp'
import { encodeVarint } from '@sotto/protocol/varint'
import { OhttpClientKey } from '@sotto/protocol/ohttp'
import type { GatewayOptions } from '../../src/gateway/app.ts'
import {
  ask,
  handBody,
  newKey,
  openAnswer,
  openGateway,
  outerRequest,
  POLICY,
  sealedChunks,
  type TestGateway,
} from './parties.ts'

interface Effects {
  gateway: TestGateway
  /** Bodies the app read to their end: what a state-changing route would have acted on. */
  effects: string[]
}

function withEffects(change: Partial<GatewayOptions> = {}): Effects {
  const effects: string[] = []
  const gateway = openGateway(async (request) => {
    const body = await request.text()
    effects.push(body)
    return new Response(body)
  }, change)
  return { gateway, effects }
}

async function post(gateway: TestGateway, bytes: Uint8Array): Promise<{ status: number; code: string }> {
  const response = await gateway.app(outerRequest(bytes))
  if (response.status === 200) {
    await response.arrayBuffer()
    return { status: 200, code: '' }
  }
  const body = (await response.json()) as { error?: { code: string }; type?: string }
  return { status: response.status, code: body.error?.code ?? body.type! }
}

const REFUSED = { status: 400, code: 'GATEWAY_REFUSED' }
const MESSAGE = { body: 'pay 100' + '.'.repeat(300) }

describe('a message that is not what its sender sealed has no effect and gets no answer', () => {
  test('cut at every byte', async () => {
    const { gateway, effects } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    for (let length = 0; length < wire.length; length += 7) {
      const { status } = await post(gateway, wire.subarray(0, length))
      // A cut message that got far enough to be recorded is a replay when it comes again.
      expect(status).toBe(400)
    }
    expect(effects).toEqual([])
  })

  test.each<[string, (parts: Uint8Array[]) => Uint8Array[]]>([
    ['without its final chunk', (parts) => parts.slice(0, -1)],
    ['with a chunk dropped', (parts) => [...parts.slice(0, 2), ...parts.slice(3)]],
    ['with a chunk repeated', (parts) => [...parts.slice(0, 3), parts[2]!, ...parts.slice(3)]],
    ['with two chunks swapped', (parts) => [...parts.slice(0, 2), parts[3]!, parts[2]!, ...parts.slice(4)]],
    ['with bytes after the final chunk', (parts) => [...parts, Uint8Array.of(0)]],
    ['with a second final chunk', (parts) => [...parts, parts.at(-1)!]],
    [
      'with a non-final chunk that is empty',
      (parts) => [parts[0]!, concat(encodeVarint(16), new Uint8Array(16)), ...parts.slice(1)],
    ],
    ['with the final chunk early', (parts) => [parts[0]!, parts.at(-1)!]],
    [
      'with a chunk longer than allowed',
      (parts) => [parts[0]!, concat(encodeVarint(16_384 + 17), new Uint8Array(16_384 + 17))],
    ],
    ['with a length of 2^62 - 1', (parts) => [parts[0]!, fromHex('ffffffffffffffff')]],
  ])('%s', async (_, change) => {
    const { gateway, effects } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    expect((await post(gateway, concat(...change(parts)))).status).toBe(400)
    expect(effects).toEqual([])
  })

  test('with any one bit changed', async () => {
    const { gateway, effects } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    const wire = concat(...parts)
    for (let at = 7; at < wire.length; at += 11) {
      const changed = wire.slice()
      changed[at] = changed[at]! ^ (1 << (at % 8))
      expect((await post(gateway, changed)).status).toBe(400)
    }
    expect(effects).toEqual([])
  })

  test('a connection that breaks in the middle of the body', async () => {
    const { gateway, effects } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    const body = handBody()
    const answer = gateway.app(outerRequest(body.stream))
    for (const part of parts.slice(0, 3)) body.write(part)
    await new Promise((resolve) => setTimeout(resolve, 5))
    body.fail()
    const response = await answer
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: 'GATEWAY_CUT', action: 'retry' } },
    ])
    expect(effects).toEqual([])
  })

  test('a GET that is cut is not answered either', async () => {
    const asked: string[] = []
    const gateway = openGateway(async (request) => (asked.push(request.url), new Response('list')))
    const { parts } = sealedChunks(gateway.key, { method: 'GET', path: '/v1/models' })
    expect((await post(gateway, concat(...parts.slice(0, -1)))).status).toBe(400)
    expect(asked).toEqual([])
  })

  test('an answer that had begun has no end when the request turns out cut', async () => {
    const gateway = openGateway(async () => new Response('early answer'))
    const { sealer, parts } = sealedChunks(gateway.key, MESSAGE)
    const response = await gateway.app(outerRequest(concat(...parts.slice(0, -1))))
    expect(response.status).toBe(200)
    await expect(openAnswer(response, sealer)).rejects.toThrow()
  })
})

describe('keys and suites', () => {
  test('an unknown key id is 422 with the problem type of RFC 9458', async () => {
    const { gateway, effects } = withEffects()
    const stranger = newKey(9)
    const response = await gateway.app(outerRequest(concat(...sealedChunks(stranger, MESSAGE).parts)))
    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
      422,
      'application/problem+json',
      { type: 'https://iana.org/assignments/http-problem-types#ohttp-key', title: 'key identifier unknown' },
    ])
    expect(effects).toEqual([])
  })

  test('a known id with another key is refused like any message that does not open', async () => {
    const { gateway } = withEffects()
    expect(await post(gateway, concat(...sealedChunks(newKey(7), MESSAGE).parts))).toEqual(REFUSED)
  })

  test.each([
    ['KEM', 1],
    ['KDF', 3],
    ['AEAD', 5],
  ])('a %s the key does not offer is 422', async (_, offset) => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    wire.set(uint(0xffff, 2), offset)
    expect((await post(gateway, wire)).status).toBe(422)
  })

  test('the export-only AEAD is refused', async () => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    wire.set(uint(0xffff, 2), 5)
    expect((await post(gateway, wire)).status).toBe(422)
  })

  test.each([
    ['zero', '00'.repeat(32)],
    ['one', `01${'00'.repeat(31)}`],
    ['order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['p - 1', `ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f`],
  ])('an encapsulated key of low order (%s) is refused like any other', async (_, point) => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    wire.set(fromHex(point), 7)
    expect(await post(gateway, wire)).toEqual(REFUSED)
  })

  test('an expired key is unknown, and what it had opened goes on', async () => {
    const gateway = openGateway(async (request) => new Response(await request.text()))
    const first = sealedChunks(gateway.key, { body: 'x' })
    const body = handBody()
    const pending = gateway.app(outerRequest(body.stream))
    for (const part of first.parts.slice(0, -1)) body.write(part)
    await new Promise((resolve) => setTimeout(resolve, 5))
    gateway.clock.wall += 3_601_000
    expect((await post(gateway, concat(...sealedChunks(gateway.key, { body: 'y' }).parts))).status).toBe(422)
    body.write(first.parts.at(-1)!)
    body.end()
    expect((await openAnswer(await pending, first.sealer)).text).toBe('x')
  })

  test('after a rotation old and new key both work; the old one goes when it is not installed any more', async () => {
    const { gateway } = withEffects()
    const next = newKey(8)
    const notAfter = gateway.clock.wall / 1000 + 60
    gateway.keys.install([
      { key: next, policy: POLICY, notAfter },
      { key: gateway.key, policy: POLICY, notAfter },
    ])
    for (const key of [gateway.key, next]) expect((await ask({ ...gateway, key }, MESSAGE)).status).toBe(200)
    gateway.keys.install([{ key: next, policy: POLICY, notAfter }])
    expect((await post(gateway, concat(...sealedChunks(gateway.key, MESSAGE).parts))).status).toBe(422)
  })
})

describe('replays', () => {
  test('the same message is answered once', async () => {
    const { gateway, effects } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    expect((await post(gateway, wire)).status).toBe(200)
    expect(await post(gateway, wire)).toEqual(REFUSED)
    expect(effects).toHaveLength(1)
  })

  test('two copies that arrive together are answered once', async () => {
    const { gateway, effects } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    const answers = await Promise.all([post(gateway, wire), post(gateway, wire), post(gateway, wire)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
    expect(effects).toHaveLength(1)
  })

  test('installing the same key again does not forget what it answered', async () => {
    const { gateway } = withEffects()
    const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
    await post(gateway, wire)
    gateway.keys.install([{ key: gateway.key, policy: POLICY, notAfter: gateway.clock.wall / 1000 + 60 }])
    expect(await post(gateway, wire)).toEqual(REFUSED)
  })

  test('bytes that do not authenticate block nobody: seeing a request is not enough to spoil it', async () => {
    const { gateway } = withEffects()
    const { parts } = sealedChunks(gateway.key, MESSAGE)
    const spoiled = concat(...parts).slice()
    spoiled[60] = spoiled[60]! ^ 1
    expect(await post(gateway, spoiled)).toEqual(REFUSED)
    expect((await post(gateway, concat(...parts))).status).toBe(200)
  })

  test('a full window refuses with 503 instead of forgetting', async () => {
    const { gateway, effects } = withEffects()
    for (let i = 0; i < 1000; i++) gateway.keys.claim(7, uint(i, 4))
    expect(await post(gateway, concat(...sealedChunks(gateway.key, MESSAGE).parts))).toEqual({
      status: 503,
      code: 'GATEWAY_REPLAY_FULL',
    })
    expect(effects).toEqual([])
  })
})

describe('inside', () => {
  test.each([
    ['no date', []],
    ['an old date', [['date', 'Sat, 21 Nov 2020 12:00:00 GMT']]],
    ['a date to come', [['date', 'Sat, 21 Nov 2099 12:00:00 GMT']]],
    [
      'two dates',
      [
        ['date', new Date().toUTCString()],
        ['date', new Date().toUTCString()],
      ],
    ],
  ] as [string, [string, string][]][])(
    '%s is the encapsulated date problem, with the date here',
    async (_, fields) => {
      const { gateway, effects } = withEffects()
      const answer = await ask(gateway, { fields })
      expect([answer.status, answer.headers.get('content-type'), JSON.parse(answer.text)]).toMatchObject([
        400,
        'application/problem+json',
        { type: 'https://iana.org/assignments/http-problem-types#date' },
      ])
      expect(Math.abs(Date.parse(answer.headers.get('date')!) - Date.now())).toBeLessThan(5000)
      expect(effects).toEqual([])
    },
  )

  test.each([
    [{ authority: 'evil.example' }],
    [{ authority: '127.0.0.1:9000' }],
    [{ scheme: 'http' }],
    [{ path: '/v1/../../etc/passwd' }],
    [{ method: 'OPTIONS' }],
  ])('target %j is refused inside', async (message) => {
    const { gateway, effects } = withEffects()
    const answer = await ask(gateway, message)
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      421,
      { error: { code: 'gateway_target' } },
    ])
    expect(effects).toEqual([])
  })

  test('an authentic message that is not HTTP is told so inside, and nobody else', async () => {
    const { gateway } = withEffects()
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request()
    const wire = concat(...sealer.seal(utf8('GET / HTTP/1.1\r\n\r\n')), ...sealer.end())
    const answer = await openAnswer(await gateway.app(outerRequest(wire)), sealer)
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      400,
      { error: { code: 'bhttp_malformed' } },
    ])
  })

  test.each<[string, Uint8Array]>([
    ['line breaks in the path', rawHead('POST', 'https', 'inference.sotto', '/a\r\nx-evil: 1')],
    ['a space in the method', rawHead('POST /x', 'https', 'inference.sotto', '/a')],
    ['a pseudo field', concat(rawHead('POST', 'https', 'inference.sotto', '/a'), field(':path', '/b'))],
    ['an upper-case field', concat(rawHead('POST', 'https', 'inference.sotto', '/a'), field('Host', 'evil'))],
    [
      'a field value with a line break',
      concat(rawHead('POST', 'https', 'inference.sotto', '/a'), field('x', 'a\r\nb')),
    ],
  ])('%s is refused', async (_, head) => {
    const { gateway, effects } = withEffects()
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request()
    const wire = concat(...sealer.seal(concat(head, Uint8Array.of(0), encodeEnd())), ...sealer.end())
    const answer = await openAnswer(await gateway.app(outerRequest(wire)), sealer)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(effects).toEqual([])
  })

  test('more content than allowed never reaches the app as a whole', async () => {
    const { gateway, effects } = withEffects({ limits: { contentBytes: 1000 } })
    await post(gateway, concat(...sealedChunks(gateway.key, { body: 'x'.repeat(1001) }).parts))
    await post(gateway, concat(...sealedChunks(gateway.key, { body: 'x'.repeat(1001) }, 8).parts))
    expect(effects).toEqual([])
    expect((await ask(gateway, { body: 'x'.repeat(1000) })).status).toBe(200)
  })

  test('a field section without end is refused early', async () => {
    const { gateway } = withEffects()
    const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request()
    const start = encodeRequestStart({
      method: 'POST',
      scheme: 'https',
      authority: 'inference.sotto',
      path: '/',
      fields: [],
    }).subarray(0, -1)
    const parts = [concat(...sealer.seal(start))]
    for (let i = 0; i < 100; i++) parts.push(concat(...sealer.seal(field('x', 'y'.repeat(1000)))))
    const answer = await openAnswer(await gateway.app(outerRequest(concat(...parts))), sealer)
    expect(answer.status).toBe(413)
  })
})

describe('an answer that breaks never looks complete', () => {
  const broken = (type: string) => async (): Promise<Response> => {
    let count = 0
    const body = new ReadableStream<Uint8Array>({
      pull(c) {
        if (count++ < 3) c.enqueue(utf8('data: x\n\n'))
        else c.error(new Error('the engine died with: secret words'))
      },
    })
    return new Response(body, { headers: { 'content-type': type } })
  }

  test.each(['text/event-stream', 'application/json'])('%s', async (type) => {
    const gateway = openGateway(broken(type))
    const { sealer, parts } = sealedChunks(gateway.key, { body: '' })
    const response = await gateway.app(outerRequest(concat(...parts)))
    const opener = sealer.openResponse()
    const reader = response.body!.getReader()
    const received: Uint8Array[] = []
    const failure = await (async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return undefined
        received.push(...opener.push(value))
      }
    })().catch((error: unknown) => error)
    expect(String((failure as Error).message)).not.toContain('secret')
    expect(() => opener.finish()).toThrow(expect.objectContaining({ code: 'OHTTP_TRUNCATED' }))
    expect(new TextDecoder().decode(concat(...received))).not.toContain('sotto-receipt')
  })

  test('an app that throws is an error inside, without its words', async () => {
    const gateway = openGateway(() => Promise.reject(new Error('secret words')))
    const answer = await ask(gateway, { body: '' })
    expect([answer.status, answer.text.includes('secret')]).toEqual([500, false])
  })
})

describe('whoever leaves or dawdles', () => {
  test('a client that leaves aborts the app, also while it thinks', async () => {
    let signal: AbortSignal | undefined
    const gateway = openGateway(async (request) => {
      signal = request.signal
      return new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })
    })
    const response = await gateway.app(outerRequest(concat(...sealedChunks(gateway.key, { body: '' }).parts)))
    const reader = response.body!.getReader()
    await reader.read()
    await reader.read()
    const waiting = reader.read()
    await reader.cancel()
    await waiting
    expect(signal!.aborted).toBe(true)
  })

  test('a client that leaves before the answer aborts the app', async () => {
    const aborted = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const gateway = openGateway((request) => {
      started.resolve()
      return new Promise((_, reject) => {
        request.signal.addEventListener('abort', () => {
          aborted.resolve()
          reject(new Error('aborted'))
        })
      })
    })
    const client = new AbortController()
    const pending = gateway.app(
      outerRequest(concat(...sealedChunks(gateway.key, { body: '' }).parts), undefined, client.signal),
    )
    await started.promise
    client.abort()
    await aborted.promise
    expect((await pending).status).toBe(400)
  })

  test('a sender that stops is cut after the idle time, one that dribbles after the total time', async () => {
    for (const limits of [{ idleMs: 20 }, { totalMs: 60 }]) {
      const gateway = openGateway(async (request) => new Response(await request.text()), { limits })
      const wire = concat(...sealedChunks(gateway.key, MESSAGE).parts)
      const body = handBody()
      body.write(wire.subarray(0, 100))
      let at = 100
      const timer = setInterval(
        () =>
          limits.totalMs === undefined || body.cancelled() ? undefined : body.write(wire.subarray(at, ++at)),
        5,
      )
      onTestFinished(() => clearInterval(timer))
      const response = await gateway.app(outerRequest(body.stream))
      clearInterval(timer)
      expect([response.status, body.cancelled()]).toEqual([400, true])
    }
  })

  test('places are limited and given back', async () => {
    const gateway = openGateway(async (request) => new Response(await request.text()), {
      limits: { exchanges: 1 },
    })
    const body = handBody()
    const first = sealedChunks(gateway.key, MESSAGE)
    const pending = gateway.app(outerRequest(body.stream))
    expect((await post(gateway, concat(...sealedChunks(gateway.key, MESSAGE).parts))).status).toBe(503)
    body.write(concat(...first.parts))
    body.end()
    expect((await openAnswer(await pending, first.sealer)).status).toBe(200)
    for (const bad of [utf8('x'), concat(...sealedChunks(newKey(9), MESSAGE).parts)]) await post(gateway, bad)
    expect((await ask(gateway, MESSAGE)).status).toBe(200)
  })

  test('a slow reader holds the app back instead of filling memory', async () => {
    let pulled = 0
    const gateway = openGateway(async () => {
      const body = new ReadableStream<Uint8Array>(
        { pull: (c) => (pulled++, c.enqueue(new Uint8Array(16_384))) },
        { highWaterMark: 0 },
      )
      return new Response(body)
    })
    const response = await gateway.app(outerRequest(concat(...sealedChunks(gateway.key, { body: '' }).parts)))
    const reader = response.body!.getReader()
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(pulled).toBeLessThan(5)
    await reader.cancel()
  })
})

function rawHead(...parts: string[]): Uint8Array {
  return concat(encodeVarint(2), ...parts.flatMap((part) => [encodeVarint(part.length), utf8(part)]))
}

function field(name: string, value: string): Uint8Array {
  return concat(encodeVarint(name.length), utf8(name), encodeVarint(value.length), utf8(value))
}

test('the honest message of this file is answered', async () => {
  const { gateway, effects } = withEffects()
  expect((await ask(gateway, MESSAGE)).text).toBe(MESSAGE.body)
  expect(effects).toEqual([MESSAGE.body])
})
