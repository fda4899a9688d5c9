import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request as the server saw it. */
export interface Seen {
  readonly route: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Resolves when the caller hung up, or has the answer. */
  readonly closed: Promise<void>
}

/** A model server whose answers a test writes. */
export interface FakeServer {
  readonly url: string
  readonly port: number
  readonly seen: Seen[]
  /** Takes the next request instead of the default. */
  answer: (seen: Seen, response: ServerResponse) => void | Promise<void>
  close(): Promise<void>
}

/** Starts one on loopback, at any port or at this one. */
export async function startFake(answer: FakeServer['answer'], at = 0): Promise<FakeServer> {
  const seen: Seen[] = []
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const closed = new Promise<void>((resolve) => response.once('close', () => resolve()))
      const one = {
        route: `${request.method} ${request.url}`,
        headers: request.headers,
        body: Buffer.concat(parts),
        closed,
      }
      seen.push(one)
      void fake.answer(one, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const fake: FakeServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    answer,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  return fake
}

/** Answers with JSON. */
export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** Answers with an event stream, whole. */
export function events(response: ServerResponse, values: readonly unknown[], end = 'data: [DONE]\n\n'): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.end(values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('') + end)
}
