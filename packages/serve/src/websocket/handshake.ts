import { createHash } from 'node:crypto'
import { serveError } from '../errors/index.ts'

/** RFC 6455 Section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Sixteen bytes in base64, in the one form there is of them. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/

/** More subprotocols than anybody has. */
const MAX_PROTOCOLS = 16

/** What a client asks for that opens a WebSocket. */
export interface Handshake {
  /** The answer to its key. */
  readonly accept: string
  /** Subprotocols it speaks, in its order. */
  readonly protocols: readonly string[]
}

/**
 * Checks an opening handshake (RFC 6455 Section 4.2.1). The sender controls all of it. Extensions that are offered are
 * not taken up, so no frame may use one.
 *
 * @param request method and headers as received; repeated headers are joined with commas, and refused where one may be
 * @throws `WEBSOCKET_INVALID`
 */
export function readHandshake({ method, headers }: Pick<Request, 'method' | 'headers'>): Handshake {
  const has = (name: string, token: string): boolean =>
    listOf(headers.get(name)).some((value) => value.toLowerCase() === token)
  if (method !== 'GET') throw invalid('a WebSocket is opened with GET')
  if (!has('upgrade', 'websocket') || !has('connection', 'upgrade'))
    throw invalid('this is no request for a WebSocket')
  if (headers.has('content-length') || headers.has('transfer-encoding'))
    throw invalid('a request for a WebSocket has no body')
  if (headers.get('sec-websocket-version') !== '13')
    throw invalid('version 13 of the WebSocket protocol is spoken')
  const key = headers.get('sec-websocket-key') ?? ''
  if (!KEY.test(key)) throw invalid('the key of the WebSocket is not 16 bytes of base64')
  const protocols = listOf(headers.get('sec-websocket-protocol'))
  const isList = protocols.length <= MAX_PROTOCOLS && protocols.every((one) => TOKEN.test(one))
  if (!isList || new Set(protocols).size !== protocols.length)
    throw invalid('the list of subprotocols is malformed')
  return { accept: acceptOf(key), protocols }
}

/** `Sec-WebSocket-Accept` for a key. SHA-1 proves nothing here but that the server speaks this protocol. */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64')
}

/** The head of the answer that opens the socket. */
export function acceptanceOf({ accept }: Handshake, protocol: string): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
    '\r\n',
  ].join('\r\n')
}

function listOf(value: string | null): string[] {
  return value === null ? [] : value.split(',').map((item) => item.trim())
}

function invalid(message: string): Error {
  return serveError('WEBSOCKET_INVALID', message)
}
