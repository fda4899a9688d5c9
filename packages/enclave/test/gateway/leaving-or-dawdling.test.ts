import { describe, expect, onTestFinished, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { MESSAGE, post } from './effects.ts'
import { ask, handBody, newKey, openAnswer, openGateway, outerRequest, sealedChunks } from './parties.ts'

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
