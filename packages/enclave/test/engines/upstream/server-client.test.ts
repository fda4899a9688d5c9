import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { ServerClient } from '../../../src/engines/upstream/server-client.ts'
import { addressOf } from '../../../src/engines/upstream/upstream.ts'
import { codeOf } from '../host/fake-model.ts'
import { events, type FakeServer, json, startFake } from './fake-server.ts'

let server: FakeServer
let client: ServerClient
beforeEach(async () => {
  server = await startFake((_, response) => json(response, { ok: true }))
  client = new ServerClient({
    address: { host: '127.0.0.1', port: server.port },
    routes: ['GET /a', 'POST /a'],
    apiKey: () => 'secret',
    idleMs: 300,
  })
})
afterEach(() => server.close())
const get = (): Promise<unknown> => client.json({ route: 'GET /a' })
const drain = async (signal?: AbortSignal): Promise<unknown[]> => {
  const found: unknown[] = []
  for await (const value of client.events({ route: 'POST /a', body: {}, ...(signal && { signal }) }))
    found.push(value)
  return found
}

describe('a client of a model server', () => {
  it(claim('T19', 'asks known routes and no others, with the key of this process'), async () => {
    expect(await get()).toEqual({ ok: true })
    expect(server.seen[0]!.headers['authorization']).toBe('Bearer secret')
    for (const route of [
      'GET /metrics',
      'GET /slots',
      'GET /props',
      'POST /props',
      'GET /a?x=1',
      'DELETE /a',
    ])
      expect(await codeOf(client.json({ route }))).toBe('ENGINE_FAILED')
    expect(server.seen).toHaveLength(1)
  })

  it.each([
    [400, 'anything', 'ENGINE_INPUT'],
    [422, 'anything', 'ENGINE_INPUT'],
    [400, '{"error":{"type":"exceed_context_size_error"}}', 'ENGINE_CONTEXT_OVERFLOW'],
    [400, "This model's maximum context length is 4096 tokens", 'ENGINE_CONTEXT_OVERFLOW'],
    [429, '', 'ENGINE_BUSY'],
    [503, '', 'ENGINE_BUSY'],
    [401, '', 'ENGINE_FAILED'],
    [500, 'your prompt was: the red key', 'ENGINE_FAILED'],
    [302, '', 'ENGINE_FAILED'],
  ])('names a refusal %i %s', async (status, said, code) => {
    server.answer = (_, response) => void response.writeHead(status, { location: server.url }).end(said)
    const error = await get().catch((cause: unknown) => cause as Error & { code: string })
    expect(error).toMatchObject({ code })
    expect(JSON.stringify(error) + String(error)).not.toMatch(/red key|4096/)
    // No redirect is followed.
    expect(server.seen).toHaveLength(1)
  })

  it('refuses what is no JSON, no event stream, or does not end', async () => {
    server.answer = (_, response) => void response.end('<html>')
    expect(await codeOf(get())).toBe('ENGINE_PROTOCOL')
    expect(await codeOf(drain())).toBe('ENGINE_PROTOCOL')
    server.answer = (_, response) => {
      response.writeHead(200)
      const piece = Buffer.alloc(1024 * 1024)
      const more = (): void =>
        void (
          response.destroyed || (response.write(piece) ? setImmediate(more) : response.once('drain', more))
        )
      more()
    }
    expect(await codeOf(get())).toBe('ENGINE_ANSWER_TOO_LARGE')
  })

  it('names a server that is not there, hangs up, or says nothing', async () => {
    server.answer = (_, response) => void response.destroy()
    expect(await codeOf(get())).toBe('ENGINE_CRASHED')
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      setTimeout(() => response.destroy(), 50)
    }
    expect(await codeOf(drain())).toBe('ENGINE_CRASHED')
    server.answer = () => undefined
    expect(await codeOf(get())).toBe('ENGINE_TIMEOUT')
    server.answer = (_, response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    expect(await codeOf(drain())).toBe('ENGINE_TIMEOUT')
    await server.close()
    expect(await codeOf(get())).toBe('ENGINE_CRASHED')
  })

  it('hangs up when its caller leaves or aborts, so that the server stops', async () => {
    server.answer = (_, response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    const abort = new AbortController()
    const aborted = codeOf(drain(abort.signal))
    await new Promise((resolve) => setTimeout(resolve, 50))
    abort.abort()
    expect(await aborted).toBe('ENGINE_CANCELLED')
    await server.seen[0]!.closed
    for await (const value of client.events({ route: 'POST /a', body: {} })) {
      expect(value).toBe(1)
      break
    }
    await server.seen[1]!.closed
    expect(await codeOf(drain(AbortSignal.abort()))).toBe('ENGINE_CANCELLED')
    expect(server.seen).toHaveLength(2)
    server.answer = (_, response) => events(response, [1, 2])
    expect(await drain()).toEqual([1, 2])
  })

  it.each([
    'http://localhost:1',
    'https://127.0.0.1:1',
    'http://10.0.0.1:1',
    'http://127.0.0.1',
    'http://127.0.0.1:1/x',
    'http://127.0.0.1:99999',
    'http://127.0.0.1:1@evil:1',
  ])('reaches nothing but a port of loopback: %s', (url) => {
    expect(() => addressOf(url)).toThrow(expect.objectContaining({ code: 'ENGINE_LOAD_FAILED' }) as Error)
  })
})
