import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRegistry, type ModelRegistry } from '../../../src/models/owned/registry.ts'

const DIGEST = 'ab'.repeat(32)
const FILE = Uint8Array.from({ length: 1_000_000 }, (_, at) => at % 251)

let server: Server
let registry: ModelRegistry
let answer: (request: IncomingMessage, response: ServerResponse) => void
let connections: number
let seen: string[]

beforeEach(async () => {
  connections = 0
  seen = []
  answer = ranges
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.range}`)
    answer(request, response)
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  registry = createRegistry(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
})
afterEach(() => {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
})

/** As the registry does. */
function ranges({ headers }: IncomingMessage, response: ServerResponse): void {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range!)!
  response.writeHead(206).end(FILE.subarray(Number(start), Number(end) + 1))
}
const read = (start = 10, length = 500_000, signal?: AbortSignal): Promise<Uint8Array> =>
  registry.read(DIGEST, start, length, signal)
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: { code: string }) => error.code,
  )

describe('ranges of a registry', () => {
  it('come as they lie in the file, block after block over one connection', async () => {
    for (const [start, length] of [
      [0, 1],
      [0, 1_000_000],
      [999_999, 1],
      [123, 400_000],
    ] as const) {
      const bytes = await read(start, length)
      expect(Buffer.compare(bytes, FILE.subarray(start, start + length)), `${start} ${length}`).toBe(0)
    }
    expect(connections).toBe(1)
    expect(seen[0]).toBe(`GET /artifacts/${DIGEST} bytes=0-0`)
    await Promise.all(Array.from({ length: 4 }, () => read()))
    expect(connections).toBe(4)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['fewer bytes', (response) => response.writeHead(206).end(FILE.subarray(0, 7))],
    ['more bytes, stated', (response) => response.writeHead(206).end(FILE.subarray(0, 500_001))],
    [
      'more bytes, in pieces without end',
      (response) => {
        response.writeHead(206)
        const more = (): void =>
          void (
            response.destroyed || (response.write(FILE) ? setImmediate(more) : response.once('drain', more))
          )
        more()
      },
    ],
    ['the whole file', (response) => response.writeHead(200).end(FILE.subarray(0, 500_000))],
    ['another place', (response) => response.writeHead(302, { location: `/artifacts/${DIGEST}` }).end()],
    [
      'half and a broken connection',
      (response) => {
        response.writeHead(206, { 'content-length': 500_000 })
        response.write(FILE.subarray(0, 250_000), () => response.destroy())
      },
    ],
    ['a broken connection', (response) => response.destroy()],
    ['an error without end', (response) => response.writeHead(500).end(Buffer.alloc(1_000_000))],
  ])('are refused as unreachable: %s', async (_, wrong) => {
    answer = (_request, response) => wrong(response)
    expect(await codeOf(read())).toBe('OWNED_MODEL_UNREACHABLE')
    // No redirect is followed.
    expect(seen).toHaveLength(1)
    answer = ranges
    expect(await codeOf(read())).toBe('none')
  })

  it('are asked for again where a kept connection has gone in that moment', async () => {
    const used = new Set<unknown>()
    answer = (request, response) => {
      if (used.has(request.socket)) return void request.socket.resetAndDestroy()
      used.add(request.socket)
      ranges(request, response)
    }
    for (let i = 0; i < 4; i++) expect((await read()).length).toBe(500_000)
    // Once: a server that does so with new connections as well is not there.
    answer = (request) => void request.socket.resetAndDestroy()
    expect(await codeOf(read())).toBe('OWNED_MODEL_UNREACHABLE')
  })

  it('say that a model was removed, or is not there', async () => {
    const refuse = (code: string) => (_: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(410).end(JSON.stringify({ error: { code } }))
    answer = refuse('REGISTRY_MODEL_REMOVED')
    expect(await codeOf(read())).toBe('OWNED_MODEL_ENDED')
    answer = refuse('REGISTRY_MODEL_UNKNOWN')
    expect(await codeOf(read())).toBe('OWNED_MODEL_UNKNOWN')
    answer = refuse('<script>')
    await expect(read()).rejects.toMatchObject({ code: 'OWNED_MODEL_UNREACHABLE', found: 'status 410' })
  })

  it('stop when nobody wants them any more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    answer = (_, response) => {
      response.writeHead(206, { 'content-length': 500_000 }).write(FILE.subarray(0, 100))
      response.once('close', resolve)
    }
    const leaving = new AbortController()
    const waiting = codeOf(read(0, 500_000, leaving.signal))
    while (seen.length === 0) await new Promise((next) => setTimeout(next, 5))
    leaving.abort()
    expect(await waiting).toBe('OWNED_MODEL_UNREACHABLE')
    await promise
    expect(await codeOf(read(0, 1, AbortSignal.abort()))).toBe('OWNED_MODEL_UNREACHABLE')
    expect(seen).toHaveLength(1)
  })
})
