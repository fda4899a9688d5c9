import { describe, expect, test } from 'vitest'
import { concat, fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { HPKE_KEM } from '@sotto/protocol/hpke'
import { decodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import {
  inferenceReceiptDecoder,
  parseReceiptTrailer,
  requestDigest,
  responseDigest,
} from '@sotto/protocol/receipts'
import { OhttpClientKey } from '@sotto/protocol/ohttp'
import {
  ask,
  handBody,
  IDENTITY,
  newKey,
  openAnswer,
  openGateway,
  outerRequest,
  plaintextOf,
  POLICY,
  sealedChunks,
  SIGNER,
} from './parties.ts'
import { echo } from './echo.ts'

test('the app sees the request, the client the answer, and outside there is nothing of either', async () => {
  const seen: Request[] = []
  const gateway = openGateway(
    async (request) => (
      seen.push(request),
      new Response('no such patient', { status: 404, headers: { 'x-inner': 'secret' } })
    ),
  )
  const { sealer, parts } = sealedChunks(gateway.key, { path: '/v1/patients?name=x', body: 'hello' })
  const response = await gateway.app(outerRequest(concat(...parts)))
  expect([response.status, [...response.headers]]).toEqual([
    200,
    [
      ['cache-control', 'no-store'],
      ['content-type', 'message/ohttp-chunked-res'],
      ['incremental', '?1'],
    ],
  ])
  const answer = await openAnswer(response, sealer)
  expect([answer.status, answer.text, answer.headers.get('x-inner')]).toEqual([
    404,
    'no such patient',
    'secret',
  ])
  expect([seen[0]!.method, seen[0]!.url]).toEqual(['POST', 'https://inference.sotto/v1/patients?name=x'])
})

test('every inner answer has a request id that is random and stands inside only', async () => {
  const seen: Request[] = []
  const gateway = openGateway(async (request) => (seen.push(request), new Response('hello')))
  const date = ['date', new Date().toUTCString()] as const
  const named = [date, ['x-request-id', 'the client'] as const, ['x-client-request-id', 'its own'] as const]
  const messages = [{ fields: named }, {}, {}, { fields: [] }, { authority: 'elsewhere' }, { path: '/../x' }]
  const answers = await Promise.all(messages.map((message) => ask(gateway, message)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 400, 421, 421])
  const ids = answers.map(({ headers }) => headers.get('x-request-id'))
  for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/)
  expect(new Set(ids).size).toBe(ids.length)
  expect(seen.flatMap(({ headers }) => [...headers.keys()])).not.toContain('x-request-id')
})

test('works with X-Wing keys too', async () => {
  const gateway = openGateway(echo)
  const key = newKey(8, HPKE_KEM.X_WING)
  gateway.keys.install([{ key, policy: POLICY, notAfter: gateway.clock.wall / 1000 + 60 }])
  expect((await ask({ ...gateway, key }, { body: 'hello' })).text).toBe('hello')
})

test('a body of many chunks streams into the app, whatever pieces it arrives in', async () => {
  const gateway = openGateway(echo)
  const body = 'x'.repeat(100_000)
  const { sealer, parts } = sealedChunks(gateway.key, { body }, 16_384)
  const wire = concat(...parts)
  const stream = new ReadableStream<Uint8Array>({
    start(c) {
      for (let at = 0; at < wire.length; at += 777) c.enqueue(wire.subarray(at, at + 777))
      c.close()
    },
  })
  expect((await openAnswer(await gateway.app(outerRequest(stream)), sealer)).text).toBe(body)
})

test('a byte at a time is as good as all at once', async () => {
  const gateway = openGateway(echo)
  const { sealer, parts } = sealedChunks(gateway.key, { body: 'hello' })
  const wire = concat(...parts)
  const stream = new ReadableStream<Uint8Array>({
    start(c) {
      for (const byte of wire) c.enqueue(Uint8Array.of(byte))
      c.close()
    },
  })
  expect((await openAnswer(await gateway.app(outerRequest(stream)), sealer)).text).toBe('hello')
})

test('the app starts on the head, before the body is there, and answers before it ends', async () => {
  const gateway = openGateway(
    async (request) => {
      const reader = request.body!.getReader()
      const events = new ReadableStream<Uint8Array>({
        async pull(c) {
          const { done, value } = await reader.read()
          if (done) c.close()
          else c.enqueue(concat(utf8('data: '), value, utf8('\n\n')))
        },
      })
      return new Response(events, { headers: { 'content-type': 'text/event-stream' } })
    },
    { events: { windowMs: 0 } },
  )
  const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request()
  const opener = sealer.openResponse()
  const plaintext = plaintextOf({ body: 'x' })
  const body = handBody()
  const pending = gateway.app(outerRequest(body.stream))
  // All but the content and the end: the head alone.
  body.write(concat(...sealer.seal(plaintext.subarray(0, -4))))
  const reader = (await pending).body!.getReader()
  const chunks: string[] = []
  const next = async (): Promise<void> => {
    for (const before = chunks.length; chunks.length === before;) {
      const { done, value } = await reader.read()
      const parts = done ? opener.finish() : opener.push(value)
      chunks.push(...parts.map((part) => new TextDecoder().decode(part)))
    }
  }
  await next()
  body.write(concat(...sealer.seal(plaintext.subarray(-4, -2))))
  await next()
  expect(chunks.at(-1)).toContain('data: x')
  body.write(concat(...sealer.seal(plaintext.subarray(-2)), ...sealer.end()))
  body.end()
  await next()
})

describe('receipts', () => {
  test('a complete answer carries a signed receipt over both bodies, under a salt', async () => {
    const model = '44'.repeat(32)
    const gateway = openGateway(echo, { modelOf: () => model })
    const answer = await ask(gateway, { path: '/v1/echo?x=1', body: 'hello' })
    const [[name, value]] = answer.trailers as [[string, string]]
    expect(name).toBe('sotto-receipt')
    const { envelope, salt } = parseReceiptTrailer(value)
    const { payload } = verifyDsse(parseDsse(utf8(envelope)), PAYLOAD_TYPES.inferenceReceipt, [
      SIGNER.publicKey,
    ])
    const receipt = decodeDocument(payload, inferenceReceiptDecoder)
    const request = requestDigest(fromBase64Url(salt), {
      method: 'POST',
      path: '/v1/echo?x=1',
      contentType: 'text/plain',
    })
    request.update(utf8('hello'))
    const response = responseDigest(fromBase64Url(salt), { status: 201, contentType: 'text/plain' })
    response.update(utf8('hello'))
    expect(receipt).toEqual({
      version: 1,
      genesis: IDENTITY.genesis,
      request: request.digest(),
      response: response.digest(),
      model,
      keyId: 7,
      policy: POLICY,
      evidence: IDENTITY.evidence,
      after: IDENTITY.after,
    })
  })

  test('over what an event stream really contained, padding included', async () => {
    const gateway = openGateway(
      async () => new Response('data: 1\n\n', { headers: { 'content-type': 'text/event-stream' } }),
    )
    const answer = await ask(gateway, { body: '' })
    const { envelope, salt } = parseReceiptTrailer(answer.trailers[0]![1])
    const receipt = decodeDocument(parseDsse(utf8(envelope)).payload, inferenceReceiptDecoder)
    const response = responseDigest(fromBase64Url(salt), { status: 200, contentType: 'text/event-stream' })
    response.update(answer.body)
    expect(receipt.response).toBe(response.digest())
  })

  test('also when the app did not read the body to its end', async () => {
    const gateway = openGateway(async () => new Response('no'))
    expect((await ask(gateway, { body: 'x'.repeat(1000) })).trailers).toHaveLength(1)
  })

  test('also when the app stops reading while more arrives, and then refuses the request', async () => {
    const gateway = openGateway(async (request) => {
      const reader = request.body!.getReader()
      await reader.read()
      // The next read waits for bytes that are not there yet.
      void reader.read()
      await reader.cancel()
      return new Response('too large', { status: 413 })
    })
    const { sealer, parts } = sealedChunks(gateway.key, { body: 'x'.repeat(1000) })
    const body = handBody()
    for (const part of parts.slice(0, 5)) body.write(part)
    const pending = gateway.app(outerRequest(body.stream))
    await new Promise((resolve) => setTimeout(resolve, 20))
    for (const part of parts.slice(5)) body.write(part)
    body.end()
    const answer = await openAnswer(await pending, sealer)
    expect([answer.status, answer.text, answer.trailers.length]).toEqual([413, 'too large', 1])
  })

  test('not when so much of the request is left that nobody waits for its end', async () => {
    const gateway = openGateway(async () => new Response('no'))
    const { sealer, parts } = sealedChunks(gateway.key, { body: new Uint8Array(2 ** 21) }, 16_384)
    expect((await openAnswer(await gateway.app(outerRequest(concat(...parts))), sealer)).trailers).toEqual([])
  })

  test('two answers never share a salt', async () => {
    const gateway = openGateway(echo)
    const salts = [await ask(gateway, { body: 'a' }), await ask(gateway, { body: 'a' })].map(
      (answer) => parseReceiptTrailer(answer.trailers[0]![1]).salt,
    )
    expect(salts[0]).not.toBe(salts[1])
  })
})
