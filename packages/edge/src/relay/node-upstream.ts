import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { writeBody } from '@sotto/serve/server'
import type { Upstream, UpstreamRequest } from './upstream.ts'

/** Longest time for a connection to come about, in milliseconds: a machine that is gone says nothing at all. */
const CONNECT_MS = 5000

/**
 * An {@link Upstream} on node:http. `fetch` is no option: it adds `user-agent`, `accept-language`
 * and `sec-fetch-mode`, and decompresses. Connections are kept and shared between clients, which
 * also tells the gateway less than one connection per client would.
 *
 * @param connectMs longest time for a connection to come about
 */
export function createNodeUpstream(connectMs: number = CONNECT_MS): Upstream {
  const options = { keepAlive: true, maxFreeSockets: 64 }
  const http = new HttpAgent(options)
  const https = new HttpsAgent(options)
  return function sendUpstream(request) {
    const isTls = request.url.protocol === 'https:'
    const outgoing = (isTls ? httpsRequest : httpRequest)(request.url, {
      agent: isTls ? https : http,
      method: request.method,
      headers: headersOf(request),
      setDefaultHeaders: false,
      signal: request.signal,
    })
    return new Promise((resolve, reject) => {
      outgoing.on('error', reject)
      outgoing.once('response', (incoming) => {
        // A gateway that has answered wants no more of the request.
        incoming.once('close', () => {
          if (!outgoing.writableFinished) outgoing.destroy()
        })
        resolve({
          status: incoming.statusCode ?? 0,
          contentType: incoming.headers['content-type'] ?? '',
          body: readIncoming(incoming),
        })
      })
      whenConnected(outgoing, isTls, connectMs, () => {
        if (request.body !== undefined) void sendBody(request.body, outgoing)
      })
      if (request.body === undefined) outgoing.end()
    })
  }
}

/** Gives up where no connection comes about in time. A kept one is there at once. */
function whenConnected(
  outgoing: ClientRequest,
  isTls: boolean,
  connectMs: number,
  onConnected: () => void,
): void {
  const timer = setTimeout(() => outgoing.destroy(new Error('no connection in time')), connectMs)
  const connected = (): void => {
    clearTimeout(timer)
    onConnected()
  }
  outgoing.once('close', () => clearTimeout(timer))
  outgoing.once('socket', (socket) => {
    if (socket.connecting) socket.once(isTls ? 'secureConnect' : 'connect', connected)
    else connected()
  })
}

function headersOf(request: UpstreamRequest): string[] {
  const headers = ['Host', request.url.host]
  if (request.contentType !== undefined) headers.push('Content-Type', request.contentType)
  if (request.body !== undefined) headers.push('Transfer-Encoding', 'chunked')
  if (request.incremental) headers.push('Incremental', '?1')
  return headers
}

async function sendBody(body: ReadableStream<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  const reader = body.getReader()
  outgoing.once('close', () => void reader.cancel().catch(() => {}))
  try {
    await writeBody(reader, outgoing, {
      begin(length) {
        // The gateway starts on a request before all of it is there.
        if (length === undefined) outgoing.flushHeaders()
      },
    })
  } catch {
    // The client's body was cut: `end` would make it look complete.
    outgoing.destroy(new Error('request body was cut'))
  }
}

function readIncoming(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = incoming.iterator()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = (await chunks.next()) as IteratorResult<Buffer, undefined>
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        incoming.destroy()
      },
    },
    { highWaterMark: 0 },
  )
}
