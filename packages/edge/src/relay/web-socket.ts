import { SottoError } from '@sotto/protocol/errors'
import { OHTTP_MEDIA_TYPE } from '@sotto/protocol/ohttp'
import { errorResponse, serveError } from '@sotto/serve/errors'
import type { WebSocketConnection, WebSocketRoute, WebSocketService } from '@sotto/serve/websocket'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import { isAllowedOrigin } from './browsers.ts'
import type { RelayLimits } from './config.ts'
import type { Gateway } from './gateway.ts'
import { SOCKET_PROTOCOL, socketRequest, writeAnswer } from './socket-messages.ts'

/** What WebSockets share with the relay's other face. */
export interface RelaySocketOptions {
  /** A gateway by its name. @throws `RELAY_UNKNOWN_GATEWAY` */
  gatewayOf: (name: string) => Gateway
  browserOrigins: readonly string[]
  limits: RelayLimits
  /** As `POST /relay/{gateway}`. */
  exchange: (gateway: Gateway, request: Request) => Promise<Response>
  onError: (code: string) => void
}

/** Largest message of a client. The pieces of a byte stream have no reason to be larger. */
const MAX_MESSAGE_BYTES = 65_536

/** Intermediaries forget connections over which nothing goes for a minute. */
const PING_MS = 20_000

/**
 * `GET /relay/{gateway}` as a WebSocket: one chunked-OHTTP exchange, both byte streams at once, for browsers, whose
 * `fetch` sends everything before it receives anything. All of the handshake stays here; the gateway gets the same
 * `POST` as ever.
 */
export function relaySockets(options: RelaySocketOptions): WebSocketRoute {
  return (request) => {
    const { pathname, search } = new URL(request.url)
    const name = /^\/relay\/([^/]+)$/.exec(pathname)?.[1]
    if (name === undefined || search !== '') throw serveError('HTTP_NOT_FOUND', 'the relay has no such route')
    // No preflight stands before a WebSocket: what CORS decides about POST has to be decided here.
    const origin = request.headers.get('origin')
    if (origin !== null && !isAllowedOrigin(origin, options.browserOrigins))
      throw edgeError('RELAY_ORIGIN', 'pages of this origin may not use this relay')
    return serviceFor(options.gatewayOf(name), options)
  }
}

function serviceFor(gateway: Gateway, { limits, exchange, onError }: RelaySocketOptions): WebSocketService {
  return {
    protocol: SOCKET_PROTOCOL,
    limits: { maxMessageBytes: MAX_MESSAGE_BYTES, pingMs: PING_MS },
    async serve(connection) {
      const { minBytesPerSecond, graceMs, requestIdleMs, responseIdleMs } = limits
      const client = socketRequest(connection, {
        sending: { idleMs: requestIdleMs, minBytesPerSecond, graceMs },
        reading: { idleMs: responseIdleMs, minBytesPerSecond, graceMs },
      })
      try {
        const request = new Request('http://relay/', {
          method: 'POST',
          headers: { 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest },
          body: client.body,
          signal: connection.gone,
          duplex: 'half',
        } as RequestInit)
        const response = await exchange(gateway, request)
        if (response.status !== 200 || response.body === null) return await refuse(connection, response)
        await writeAnswer(response.body, connection, client)
        await connection.close(1000)
      } catch (error) {
        if (connection.gone.aborted) return
        const known =
          error instanceof SottoError ? error : edgeError('RELAY_GATEWAY_FAILED', 'the answer was cut')
        onError(known.code)
        await refuse(connection, errorResponse(known, EDGE_STATUSES), known.code)
      }
    },
  }
}

/**
 * The status a `POST` would have had, as a close code (RFC 6455 Section 7.4.2: 4000-4999 are the application's).
 * Where the answer had begun it says that what came is not the whole of it, like every close but 1000 after the end.
 */
async function refuse(connection: WebSocketConnection, response: Response, code = ''): Promise<void> {
  await response.body?.cancel()
  await connection.close(4000 + response.status, code)
}
