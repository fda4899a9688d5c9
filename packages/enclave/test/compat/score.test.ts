import { expect, onTestFinished, test, vi } from 'vitest'
import { AzureResponseOpener, parseKeyList } from '@sotto/protocol/azure-dialect'
import { decodeResponse } from '@sotto/protocol/bhttp'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { claim } from '../../../../test/claims.ts'
import { gatewayError } from '../../src/gateway/index.ts'
import { echo } from '../gateway/echo.ts'
import { newKey, sealedChunks } from '../gateway/parties.ts'
import { ask, open, openCompat, p384Key, score, sealRequest } from './client.ts'

test('answers a client of the dialect: body sealed, status outside, and no inner header', async () => {
  const { response, text } = await ask(openCompat(echo), { body: 'hello' })
  expect(text).toBe('hello')
  expect([response.status, [...response.headers]]).toEqual([
    201,
    [
      ['cache-control', 'no-store'],
      ['content-type', 'message/ohttp-chunked-res'],
    ],
  ])
})

test('an error of the app keeps its status, and its words stay inside', async () => {
  const gateway = openCompat(async () => new Response('no such patient', { status: 404 }))
  const { sealer, wire } = sealRequest(gateway.key)
  const response = await gateway.app(score(wire))
  const bytes = new Uint8Array(await response.clone().arrayBuffer())
  expect(response.status).toBe(404)
  expect(new TextDecoder('latin1').decode(bytes)).not.toContain('patient')
  expect(await open(response, sealer)).toBe('no such patient')
})

test('an answer without a body is an empty final chunk', async () => {
  const { response, text } = await ask(openCompat(async () => new Response(null, { status: 204 })))
  expect([response.status, text]).toEqual([200, ''])
})

test('the target is what the encrypted request says; outer headers decide nothing', async () => {
  const seen: Request[] = []
  const gateway = openCompat(async (request) => (seen.push(request), new Response('ok')))
  const headers = { enginetarget: '/admin', 'api-key': 'k', 'x-request-id': 'me', cookie: 'c=1' }
  await ask(gateway, { path: '/v1/patients?name=x' }, headers)
  expect(seen.map(({ url }) => url)).toEqual(['https://inference.sotto/v1/patients?name=x'])
  expect([...seen[0]!.headers.keys()]).toEqual(['content-type'])
  for (const message of [{ authority: 'elsewhere' }, { path: '/../x' }, { path: '//x' }])
    expect((await ask(gateway, message)).response.status).toBe(421)
  expect(seen).toHaveLength(1)
})

test('nothing of a request is told to whoever logs: a code at most', async () => {
  const written = vi.spyOn(process.stdout, 'write')
  onTestFinished(() => written.mockRestore())
  const gateway = openCompat(async () => {
    throw new Error('inner words')
  })
  await ask(gateway, { body: 'secret words', fields: [['x-secret', 'inner header']] })
  const { wire } = sealRequest(gateway.key)
  wire[wire.length - 1]! ^= 1
  expect((await gateway.app(score(wire))).status).toBe(400)
  expect(gateway.errors).toEqual(['GATEWAY_REFUSED'])
  expect(written.mock.calls.flat().join('')).not.toMatch(/secret|inner/)
})

test(claim('T12', 'a request without a date runs once, for as long as its key lives'), async () => {
  let runs = 0
  const gateway = openCompat(async () => new Response(`${++runs}`))
  const { wire } = sealRequest(gateway.key)
  expect((await gateway.app(score(wire))).status).toBe(200)
  for (const hours of [0, 1, 11, 11]) {
    gateway.clock.mono += hours * 3_600_000
    gateway.clock.wall += hours * 3_600_000
    expect((await gateway.app(score(wire))).status).toBe(400)
  }
  // Whoever holds the key again after a new release remembers all the same.
  const held = gateway.keys.find(9)!
  gateway.keys.install([{ ...held, notAfter: held.notAfter + 60 }])
  expect((await gateway.app(score(wire))).status).toBe(400)
  expect(runs).toBe(1)
})

test('a date that is given has to be right', async () => {
  const gateway = openCompat(async () => new Response('ok'))
  const dated = (ms: number) => ({ fields: [['date', new Date(ms).toUTCString()] as const] })
  const { wall } = gateway.clock
  expect((await ask(gateway, dated(wall))).response.status).toBe(200)
  expect((await ask(gateway, dated(wall - 600_000))).response.status).toBe(400)
  expect((await ask(gateway, { fields: [['date', 'today']] })).response.status).toBe(400)
})

test('an answer that fails is cut, and no final chunk makes a whole of the part', async () => {
  const gateway = openCompat(
    async () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(utf8('first words '.repeat(1000)))
            controller.error(new Error('the engine died'))
          },
        }),
      ),
  )
  for (const type of ['text/plain', 'text/event-stream']) {
    const { sealer, wire } = sealRequest(gateway.key, { fields: [['accept', type]] })
    const response = await gateway.app(score(wire))
    const opener = new AzureResponseOpener(sealer.openUnframed())
    await expect(
      (async () => {
        for await (const piece of response.body!) opener.push(piece)
      })(),
    ).rejects.toMatchObject({ code: 'GATEWAY_CUT' })
    expect(() => opener.finish()).toThrow(expect.objectContaining({ code: 'AZURE_TRUNCATED' }))
  }
})

test('events leave as they are written; the final chunk comes with the end', async () => {
  let write!: ReadableStreamDefaultController<Uint8Array>
  const events = new ReadableStream<Uint8Array>({ start: (c) => void (write = c) })
  const gateway = openCompat(
    async () => new Response(events, { headers: { 'content-type': 'text/event-stream' } }),
    { events: { windowMs: 0 } },
  )
  const { sealer, wire } = sealRequest(gateway.key)
  const reader = (await gateway.app(score(wire))).body!.getReader()
  const opener = new AzureResponseOpener(sealer.openUnframed())
  let text = ''
  const until = async (words: string): Promise<void> => {
    while (!text.includes(words)) {
      const { value } = await reader.read()
      text += opener
        .push(value!)
        .map((part) => new TextDecoder().decode(part))
        .join('')
    }
  }
  write.enqueue(utf8('data: one\n\n'))
  await until('one')
  write.enqueue(utf8('data: two\n\n'))
  await until('two')
  write.close()
  for (let read = await reader.read(); !read.done; read = await reader.read()) opener.push(read.value)
  opener.finish()
})

test('only a P-384 key opens, and only a whole message of the right type', async () => {
  const gateway = openCompat(echo)
  const x25519 = gateway.keys.find(7)!.key
  const status = async (request: Request): Promise<number> => (await gateway.app(request)).status
  expect(await status(score(sealRequest(x25519).wire))).toBe(422)
  expect(await status(score(sealRequest(p384Key(9)).wire))).toBe(400)
  expect(await status(score(sealRequest(newKey(8)).wire))).toBe(422)
  expect(await status(score(concat(...sealedChunks(gateway.key, { body: 'x' }).parts)))).toBe(400)
  const { wire } = sealRequest(gateway.key)
  expect(await status(score(wire, { 'content-type': 'message/ohttp-req' }))).toBe(415)
  for (const length of [0, 1, 7, 50, 104, wire.length - 1])
    expect(await status(score(wire.subarray(0, length)))).toBe(400)
})

test('a request that passes the limit is refused before it is read', async () => {
  const gateway = openCompat(echo, { limits: { wholeRequestBytes: 4096 } })
  expect((await gateway.app(score(sealRequest(gateway.key, { body: 'x'.repeat(5000) }).wire))).status).toBe(
    400,
  )
  const declared = score(new Uint8Array(1), { 'content-length': '100000' })
  expect((await gateway.app(declared)).status).toBe(413)
})

test('a request of the dialect does not run through the other door, nor after it', async () => {
  let runs = 0
  const gateway = openCompat(async () => new Response(`${++runs}`))
  const through = async (wire: Uint8Array): Promise<Response> =>
    gateway.app(
      new Request('http://gateway/ohttp', {
        method: 'POST',
        headers: { 'content-type': 'message/ohttp-req' },
        body: wire as Uint8Array<ArrayBuffer>,
      }),
    )
  const { sealer, wire } = sealRequest(gateway.key)
  const response = await through(wire)
  const opener = sealer.openResponse()
  opener.push(new Uint8Array(await response.arrayBuffer()))
  // There a date is demanded of everybody.
  expect(decodeResponse(opener.finish()).head.status).toBe(400)
  expect((await gateway.app(score(wire))).status).toBe(400)
  const second = sealRequest(gateway.key)
  expect((await gateway.app(score(second.wire))).status).toBe(200)
  expect((await through(second.wire)).status).toBe(400)
  expect(runs).toBe(1)
})

test('where tokens are needed, they are needed here too', async () => {
  const asked: unknown[] = []
  let runs = 0
  const gateway = openCompat(async () => new Response(`${++runs}`), {
    tokens: {
      wwwAuthenticate: 'PrivateToken',
      admit(method, path, authorization) {
        asked.push([method, path, authorization])
        if (authorization !== 'PrivateToken token=x') throw gatewayError('GATEWAY_TOKEN_MISSING', 'no token')
        return undefined
      },
    },
  })
  const { response, text } = await ask(gateway)
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, null])
  expect(text).toContain('gateway_token_missing')
  const paid = { fields: [['authorization', 'PrivateToken token=x'] as const] }
  expect((await ask(gateway, paid, { authorization: 'outside' })).response.status).toBe(200)
  expect([runs, asked.length]).toEqual([1, 2])
})

test('GET /discover lists the P-384 keys in hexadecimal, the newest last', async () => {
  const gateway = openCompat(echo)
  const response = await gateway.app(new Request('http://gateway/discover'))
  const text = await response.text()
  expect(text).toMatch(/^006a09001104[0-9a-f]{192}000400020002$/)
  expect(parseKeyList(text).map(({ keyId }) => keyId)).toEqual([9])
  const held = gateway.keys.find(9)!
  gateway.keys.install([{ ...held, key: p384Key(10) }, held])
  const list = await (await gateway.app(new Request('http://gateway/discover'))).text()
  expect(parseKeyList(list).map(({ keyId }) => keyId)).toEqual([9, 10])
})

test('nothing is served before attestation, and nothing else on other routes', async () => {
  const gateway = openCompat(echo, { identity: () => undefined })
  const { wire } = sealRequest(gateway.key)
  expect((await gateway.app(score(wire))).status).toBe(503)
  expect((await gateway.app(new Request('http://gateway/discover'))).status).toBe(503)
  for (const [method, path] of [
    ['GET', '/score'],
    ['POST', '/discover'],
    ['GET', '/v1/models'],
    ['POST', '/score/'],
  ] as const)
    expect((await openCompat(echo).app(new Request(`http://gateway${path}`, { method }))).status).toBe(404)
})
