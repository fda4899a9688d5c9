import { expect, test, vi } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { OHTTP_MEDIA_TYPE, OhttpClientKey } from '@sotto/protocol/ohttp'
import { createHeldBytes } from '../../src/gateway/held-bytes.ts'
import {
  ask,
  handBody,
  newKey,
  openGateway,
  outerRequest,
  type TestGateway,
  wholePlaintextOf,
} from './parties.ts'

const KIB = 1024

/** An unchunked message with a body of this many bytes. */
function message(gateway: TestGateway, bytes: number): Uint8Array {
  const sealer = new OhttpClientKey(gateway.key.config, gateway.key.config.algorithms[0]!).request({
    isChunked: false,
  })
  return concat(...sealer.seal(wholePlaintextOf({ body: new Uint8Array(bytes).fill(120) })), ...sealer.end())
}

async function send(
  gateway: TestGateway,
  body: Uint8Array | ReadableStream<Uint8Array>,
  declared?: number,
): Promise<Response> {
  const request = outerRequest(body, OHTTP_MEDIA_TYPE.request)
  if (declared !== undefined) request.headers.set('content-length', String(declared))
  return gateway.app(request)
}

/** Answers with as many bytes as it got. */
const echo = async (request: Request): Promise<Response> => new Response(await request.arrayBuffer())
const open = (inner = echo): TestGateway => openGateway(inner, { limits: { allWholeBytes: 1024 * KIB } })

/** Whether all of the memory is free: one message that needs nearly all of it is answered. */
async function isFree(gateway: TestGateway): Promise<boolean> {
  const body = message(gateway, 480 * KIB)
  const response = await send(gateway, body, body.length)
  await response.arrayBuffer()
  return response.status === 200
}

test('large messages are refused before they are read when others have taken the memory', async () => {
  const gateway = open()
  const bodies = [handBody(), handBody(), handBody()]
  const pending = bodies.slice(0, 2).map(({ stream }) => send(gateway, stream, 480 * KIB))
  const refused = await send(gateway, bodies[2]!.stream, 480 * KIB)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await refused.json()).toEqual({
    error: { code: 'HTTP_BUSY', message: 'too many exchanges are in progress', action: 'retry' },
  })
  expect(bodies[2]!.stream.locked).toBe(false)
  for (const { fail } of bodies.slice(0, 2)) fail()
  for (const response of await Promise.all(pending)) expect(response.status).toBe(400)
  expect(await isFree(gateway)).toBe(true)
})

test('a message of undeclared length takes memory as it arrives, and is refused where there is no more', async () => {
  const gateway = open()
  let taken = 0
  const bodies = [handBody(), handBody(), handBody(), handBody()]
  const pending = bodies.map(({ stream }) => send(gateway, stream))
  const statuses: number[] = []
  for (const one of pending) void one.then(({ status }) => statuses.push(status))
  const piece = message(gateway, 600 * KIB).subarray(0, 64 * KIB)
  for (let i = 0; i < 8 && statuses.length === 0; i++) {
    for (const body of bodies) {
      if (body.cancelled()) continue
      body.write(piece)
      taken += piece.length
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await vi.waitFor(() => expect(statuses.length).toBeGreaterThan(0), { timeout: 10_000 })
  expect(new Set(statuses)).toEqual(new Set([503]))
  // One piece may be in the hands of each, on its way to be counted.
  expect(taken).toBeLessThanOrEqual(1024 * KIB + bodies.length * piece.length)
  for (const body of bodies) if (!body.cancelled()) body.fail()
  await Promise.all(pending)
  expect(await isFree(gateway)).toBe(true)
})

test('the memory comes back from answers, refusals and cuts', async () => {
  const gateway = open()
  for (let round = 0; round < 4; round++) {
    expect(await isFree(gateway)).toBe(true)
    const flipped = message(gateway, 480 * KIB)
    flipped[flipped.length - 1]! ^= 1
    const unknown = concat(...sealedTo(newKey(9)))
    for (const bad of [flipped, unknown, flipped.subarray(0, 1000)])
      expect((await send(gateway, bad, 480 * KIB)).status).toBeGreaterThanOrEqual(400)
  }
})

test('an app that fails gives it back too', async () => {
  const gateway = open(async () => {
    throw new Error('no')
  })
  for (let round = 0; round < 4; round++) expect(await isFree(gateway)).toBe(true)
})

test('answers count, until the slowest reader has them', async () => {
  const gateway = open(async () => new Response(new Uint8Array(700 * KIB)))
  const send10 = (): Promise<Response> => {
    const body = message(gateway, 10)
    return send(gateway, body, body.length)
  }
  const slow = await send10()
  expect(slow.status).toBe(200)
  const reader = slow.body!.getReader()
  await reader.read()
  expect((await send10()).status).toBe(503)
  await reader.cancel()
  const read = await send10()
  expect((await read.arrayBuffer()).byteLength).toBeGreaterThan(700 * KIB)
  const last = await send10()
  expect(last.status).toBe(200)
  await last.body!.cancel()
})

test('chunked messages need none of it', async () => {
  const gateway = open()
  const body = handBody()
  const pending = send(gateway, body.stream, 1000 * KIB)
  expect((await ask(gateway, { body: 'x'.repeat(700 * KIB) })).text).toHaveLength(700 * KIB)
  body.fail()
  await pending
})

test('what is reserved counts once, and what is held beyond it on top', () => {
  const held = createHeldBytes(100)
  const first = held.reserve(60)
  first.hold(50)
  expect(held.taken).toBe(60)
  first.hold(20)
  expect(held.taken).toBe(70)
  expect(() => held.reserve(31)).toThrow(expect.objectContaining({ code: 'HTTP_BUSY' }))
  expect(() => first.hold(31)).toThrow(expect.objectContaining({ code: 'HTTP_BUSY' }))
  const second = held.reserve(30)
  first.release()
  first.release()
  first.hold(1000)
  expect(held.taken).toBe(30)
  second.release()
  expect(held.taken).toBe(0)
})

function sealedTo(key: ReturnType<typeof newKey>): Uint8Array[] {
  const sealer = new OhttpClientKey(key.config, key.config.algorithms[0]!).request({ isChunked: false })
  return [...sealer.seal(wholePlaintextOf({ body: 'x' })), ...sealer.end()]
}
