import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorResponse, serveError, type MapErrorsOptions } from '../errors/index.ts'
import { WebSocketConnection, type WebSocketLimits } from './connection.ts'
import { acceptanceOf, readHandshake } from './handshake.ts'

/** One kind of WebSocket that a role serves. */
export interface WebSocketService {
  /** The subprotocol; a client that does not name it is refused. */
  readonly protocol: string
  readonly limits: Omit<WebSocketLimits, 'writeStallMs'>
  /** Speaks with one client until everything is said; must not throw. What is still open after it is closed with 1001. */
  serve(connection: WebSocketConnection): Promise<void>
}

/** Decides about a request for a WebSocket. What it throws is answered like any refused request. */
export type WebSocketRoute = (request: Request) => WebSocketService

/** What opening sockets takes from the server around it. */
export interface UpgradeOptions extends MapErrorsOptions {
  route: WebSocketRoute
  writeStallMs: number
  /** Takes a place; the result frees it. Undefined when there is none. */
  admit(): (() => void) | undefined
}

/**
 * Answers one request to speak another protocol than HTTP: opens a WebSocket, or refuses with an HTTP answer and closes.
 *
 * @param request what arrived, without a body; undefined when it is no request an origin server takes
 * @param head bytes behind the request: a client waits for the answer before it sends any
 */
export async function upgrade(
  request: Request | undefined,
  socket: Duplex,
  head: Uint8Array,
  options: UpgradeOptions,
): Promise<void> {
  let leave: (() => void) | undefined
  try {
    if (request === undefined || head.length > 0)
      throw serveError('WEBSOCKET_INVALID', 'this is no request for a WebSocket')
    const handshake = readHandshake(request)
    const service = options.route(request)
    if (!handshake.protocols.includes(service.protocol))
      throw serveError('WEBSOCKET_INVALID', 'another subprotocol is spoken here')
    leave = options.admit()
    if (leave === undefined) throw serveError('HTTP_BUSY', 'too many requests are in progress')
    if (socket.destroyed) return
    socket.write(acceptanceOf(handshake, service.protocol))
    const { writeStallMs } = options
    const connection = new WebSocketConnection(socket, { ...service.limits, writeStallMs })
    await service.serve(connection)
    // Also of one that was closed already: its close frame may still be on its way.
    await connection.close(1001)
  } catch (error) {
    if (leave === undefined) await refuse(socket, errorResponse(error, options.statuses))
    else socket.destroy()
  } finally {
    leave?.()
  }
}

async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer())
  const head = [
    `HTTP/1.1 ${response.status} Refused`,
    ...[...response.headers].map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
    'sec-websocket-version: 13',
    'connection: close',
    '\r\n',
  ].join('\r\n')
  // Errors of a socket that nobody listens to end the process.
  socket.on('error', () => socket.destroy())
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]))
  setTimeout(() => socket.destroy(), REFUSAL_MS).unref()
}

/** Time a refused client gets to take its answer, in milliseconds. */
const REFUSAL_MS = 5_000

/** What Node tells of a request to speak another protocol. */
export type UpgradeListener = (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void
