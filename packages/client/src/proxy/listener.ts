import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type SecureContextOptions, TLSSocket } from 'node:tls'
import { clientError } from '../errors.ts'
import { NO_PEER, type Peer } from './authenticate.ts'
import { namesOfCertificate } from './certificate-names.ts'

/** Open connections; more are dropped unread. */
const MAX_CONNECTIONS = 4096
/** Time for a handshake, and for the headers of a request, milliseconds. */
const HEAD_MS = 10_000
/** How often connections are looked for over which nothing goes any more. */
const IDLE_CHECK_MS = 100

/** How connections are secured. */
export interface ListenerTls {
  context: SecureContextOptions
  /** Whether every client has to show a certificate of the CAs in `context`. */
  asksForCertificate: boolean
}

/** A server that does not listen yet. HTTP/1.1 only. */
export function createListener(tls: ListenerTls | undefined, onRequest: RequestListener): Server {
  const server: Server =
    tls === undefined
      ? createServer(onRequest)
      : createTlsServer(
          {
            ...tls.context,
            handshakeTimeout: HEAD_MS,
            requestCert: tls.asksForCertificate,
            rejectUnauthorized: tls.asksForCertificate,
          },
          onRequest,
        )
  // Uploads may be long recordings over a slow line; the header timeout still applies.
  server.requestTimeout = 0
  server.headersTimeout = HEAD_MS
  server.maxConnections = MAX_CONNECTIONS
  return server
}

/** Listens. @returns the port. @throws `PROXY_CONFIG` an address in use, or none of this machine */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const found = cause.code ?? 'unknown failure'
      reject(
        clientError('PROXY_CONFIG', `cannot listen on ${host}:${port}`, {
          found,
          cause,
          hint: 'choose another port',
        }),
      )
    })
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port))
  })
}

/** `scheme://host:port`. */
export function urlOf(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

const peers = new WeakMap<Socket, Peer>()

/** Who is at the other end, by the certificate that TLS has verified. */
export function peerOf({ socket }: IncomingMessage): Peer {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return NO_PEER
  let peer = peers.get(socket)
  if (peer === undefined) {
    const der = socket.getPeerX509Certificate()?.raw
    peer = der === undefined ? NO_PEER : { names: namesOfCertificate(der) }
    peers.set(socket, peer)
  }
  return peer
}

/** Stops accepting, and waits until what is under way is over, for at most `ms`. */
export async function finish(server: Server, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.max(0, ms))
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  await Promise.race([new Promise<void>((done) => server.close(() => done())), late])
  clearTimeout(timer)
  clearInterval(idle)
}

/** Stops accepting and cancels what is under way. Resolves when every connection is closed. */
export function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
