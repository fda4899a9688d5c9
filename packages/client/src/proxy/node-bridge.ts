import type { IncomingMessage, ServerResponse } from 'node:http'
import { envelope } from './errors.ts'
import { bodyOf, discardRest } from './incoming-body.ts'
import { withRequestId } from './request-id.ts'

/**
 * Runs a `(Request) => Response` handler for one Node request. When the peer goes away, the request's
 * signal aborts if there is no answer yet, else the answer's body is cancelled. A body that errors
 * closes the connection, so that nothing looks complete.
 */
export async function bridge(
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  scheme: 'http' | 'https' = 'http',
): Promise<void> {
  const gone = new AbortController()
  const abort = (): void => gone.abort()
  outgoing.once('close', abort)
  outgoing.once('finish', () => discardRest(incoming))
  const request = toRequest(incoming, gone.signal, scheme)
  const response = request === undefined ? badRequest() : await handler(request)
  outgoing.off('close', abort)
  if (outgoing.destroyed) {
    await response.body?.cancel().catch(() => {})
    return
  }
  try {
    outgoing.writeHead(response.status, [...response.headers].flat())
  } catch (error) {
    // Whoever counts on the end of the answer has it now.
    await response.body?.cancel().catch(() => {})
    throw error
  }
  if (response.body === null) {
    outgoing.end()
    return
  }
  outgoing.flushHeaders()
  await send(response.body, outgoing)
}

async function send(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader()
  outgoing.once('close', () => void reader.cancel().catch(() => {}))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done || outgoing.destroyed) break
      if (!outgoing.write(value)) await drained(outgoing)
    }
    outgoing.end()
  } catch {
    // A cut answer: end the connection without the last chunk, so that the caller sees the cut too.
    outgoing.destroy()
  }
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.once('drain', done)
    outgoing.once('close', done)
  })
}

/** Undefined when Host or target are not what an origin server accepts. */
function toRequest(incoming: IncomingMessage, signal: AbortSignal, scheme: string): Request | undefined {
  const target = incoming.url ?? ''
  const host = incoming.headers.host ?? ''
  // A slash, at sign or space in Host would move the boundary between authority and path.
  if (!target.startsWith('/') || !/^[\w.:[\]-]{1,255}$/.test(host)) return undefined
  const url = URL.parse(`${scheme}://${host}${target}`)
  if (url === null) return undefined
  const headers = new Headers()
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
  }
  const method = incoming.method ?? 'GET'
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? bodyOf(incoming) : null
  return new Request(url, { method, headers, body, signal, duplex: 'half' } as RequestInit)
}

function badRequest(): Response {
  return withRequestId(
    envelope(400, 'sotto_bad_request', 'the request line or Host header is malformed', 'fix-input'),
  )
}
