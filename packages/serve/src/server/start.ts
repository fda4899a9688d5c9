import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { type App, errorResponse, mapErrors, type MapErrorsOptions, serveError } from '../errors/index.ts'
import { notReady, READINESS_PATH } from '../health/index.ts'
import { upgrade, type UpgradeListener, type WebSocketRoute } from '../websocket/index.ts'
import { discardRest } from './discard-rest.ts'
import { notePeer } from './peer.ts'
import { SlowSenders } from './slow-senders.ts'
import { toRequest } from './to-request.ts'
import { writeResponse } from './write-response.ts'

/** Bounds of one server; every one has an honest default. */
export interface ServerOptions extends MapErrorsOptions {
  host: string
  /** 0 asks the system for a free port. */
  port: number
  /** A Unix socket to listen on in place of `host` and `port`. Default none. */
  path?: string
  /** PEM of the certificate and of its private key: TLS 1.2 or later. Default: none. */
  tls?: { cert: string; key: string }
  /** Open connections; more are dropped unread. Default 1024. */
  maxConnections?: number
  /** Requests in progress; more get 503 at once. Default 512. */
  maxRequests?: number
  /** Request line and headers together. Default 16384 bytes. */
  maxHeaderBytes?: number
  /** Time for the headers to arrive. Default 10000. */
  headersTimeoutMs?: number
  /** Time a connection may idle between requests. Default 5000. */
  keepAliveTimeoutMs?: number
  /** A request body that brings nothing for this long is cut. Default 30000. */
  bodyIdleMs?: number
  /** Average rate a body must keep after `bodyGraceMs`, and an answer be taken at. Default 512; 0 for live streams. */
  minBodyBytesPerSecond?: number
  /** Default 10000. */
  bodyGraceMs?: number
  /** A client that takes none of our answer for this long is cut. Default 60000. */
  writeStallMs?: number
  /** Which WebSockets there are. Default: none, and a request for one is answered by the app. */
  webSockets?: WebSocketRoute
  /**
   * Time for which requests are still taken after {@link RunningServer.close}, while `/readyz` says 503 with
   * `SHUTTING_DOWN`: whoever watches it sends nothing more by the end of it. A request on a kept connection that is
   * closed in that moment would be lost. Only where somebody watches, who asked within the last 15 s. Default 0.
   */
  noticeMs?: number
  /** Time open requests get to finish after that. Default 10000. */
  drainMs?: number
}

/** A listening server. */
export interface RunningServer {
  /** `http://host:port`, or `https` with TLS, with the port really taken; `unix:path` for a Unix socket, whose port is 0. */
  url: string
  port: number
  /** After `noticeMs` stops accepting, lets requests in progress finish for `drainMs`, then cuts them. Idempotent. */
  close(): Promise<void>
}

/** How often body and header limits are looked at. */
const CHECK_INTERVAL_MS = 1000

/** Who asked for `/readyz` this recently is told before anything is refused: Kubernetes asks every 10 s by default. */
const WATCHED_MS = 15_000

/**
 * Serves `app` over HTTP/1.1: streams both ways with back-pressure, cuts slow senders and readers,
 * sends no `Date` or `Server` header, maps what the app throws by `mapErrors`.
 * @throws `ROLE_ADDRESS` (fix-input) when the address is taken or not of this machine
 */
export async function startServer(app: App, options: ServerOptions): Promise<RunningServer> {
  const mapped = mapErrors(app, options)
  const pace = {
    graceMs: options.bodyGraceMs ?? 10_000,
    minBytesPerSecond: options.minBodyBytesPerSecond ?? 512,
  }
  const senders = new SlowSenders({ ...pace, idleMs: options.bodyIdleMs ?? 30_000 })
  const maxRequests = options.maxRequests ?? 512
  const writeStallMs = options.writeStallMs ?? 60_000
  const receiver = { ...pace, stallMs: writeStallMs }
  let inProgress = 0
  let isLeaving = false
  let isDraining = false
  let watchedAt = Number.NEGATIVE_INFINITY

  async function answer(request: Request | undefined, outgoing: ServerResponse): Promise<void> {
    // Also of a kept connection: whoever sends more takes one that is not about to be closed.
    if (isLeaving) outgoing.setHeader('connection', 'close')
    if (request !== undefined && new URL(request.url).pathname === READINESS_PATH) {
      watchedAt = performance.now()
      if (isLeaving) return writeResponse(notReady('SHUTTING_DOWN'), outgoing, receiver)
    }
    if (request === undefined) return writeResponse(new Response(null, { status: 400 }), outgoing, receiver)
    if (inProgress >= maxRequests) {
      outgoing.setHeader('connection', 'close')
      const busy = serveError('HTTP_BUSY', 'too many requests are in progress')
      return writeResponse(errorResponse(busy), outgoing, receiver)
    }
    inProgress++
    try {
      const response = await mapped(request)
      if (isLeaving && !outgoing.headersSent) outgoing.setHeader('connection', 'close')
      await writeResponse(response, outgoing, receiver)
    } finally {
      inProgress--
    }
  }

  const httpOptions = {
    maxHeaderSize: options.maxHeaderBytes ?? 16_384,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 5_000,
    requestTimeout: 0,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    insecureHTTPParser: false,
    // Whoever offers another protocol (HTTP/2 in clear, say) is answered in this one.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
      options.webSockets !== undefined && headers.upgrade?.toLowerCase() === 'websocket',
  }
  const server: Server =
    options.tls === undefined
      ? createServer(httpOptions)
      : createTlsServer({ ...httpOptions, ...options.tls, minVersion: 'TLSv1.2' })
  server.maxConnections = options.maxConnections ?? 1024
  server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    outgoing.sendDate = false
    // A body that is not as long as it was declared must not end like a whole one.
    outgoing.strictContentLength = true
    senders.watch(incoming)
    outgoing.once('finish', () => discardRest(incoming))
    const gone = new AbortController()
    outgoing.once('close', () => {
      senders.forget(incoming)
      if (!outgoing.writableFinished) gone.abort()
    })
    const request = toRequest(incoming, gone.signal)
    if (request !== undefined) notePeer(request, incoming.socket.remoteAddress)
    answer(request, outgoing).catch(() => outgoing.destroy())
  })
  const upgraded = new Set<Duplex>()
  const { webSockets: route } = options
  if (route) server.on('upgrade', openSocketsOf({ ...options, route, writeStallMs, admit }, upgraded))
  function admit(): (() => void) | undefined {
    if (isDraining || inProgress >= maxRequests) return undefined
    inProgress++
    return () => void inProgress--
  }
  const timer = setInterval(() => senders.sample(), CHECK_INTERVAL_MS)
  timer.unref()
  const { url, port } = await listen(server, options)
  let closing: Promise<void> | undefined
  return {
    url,
    port,
    close() {
      closing ??= leave().finally(() => clearInterval(timer))
      return closing
    },
  }

  async function leave(): Promise<void> {
    isLeaving = true
    const { noticeMs = 0, drainMs = 10_000 } = options
    if (noticeMs > 0 && performance.now() - watchedAt < WATCHED_MS)
      await new Promise((resolve) => setTimeout(resolve, noticeMs))
    isDraining = true
    await drain(server, upgraded, drainMs)
  }
}

async function listen(server: Server, options: ServerOptions): Promise<{ url: string; port: number }> {
  await new Promise<void>((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void =>
      reject(
        serveError('ROLE_ADDRESS', `cannot listen on ${options.path ?? `${options.host}:${options.port}`}`, {
          ...(cause.code !== undefined && { found: cause.code }),
          hint: 'end what listens there, or configure another port',
          cause,
        }),
      )
    server.once('error', onError)
    const { host, port, path } = options
    server.listen({ ...(path === undefined ? { host, port } : { path }), backlog: 512 }, () => {
      server.off('error', onError)
      resolve()
    })
  })
  if (options.path !== undefined) return { url: `unix:${options.path}`, port: 0 }
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new TypeError('the server does not listen on a TCP port')
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  const scheme = options.tls === undefined ? 'http' : 'https'
  return { url: `${scheme}://${host}:${address.port}`, port: address.port }
}

/** Opens the WebSockets of a server. Node counts them among its connections and looks after them no more. */
function openSocketsOf(options: Parameters<typeof upgrade>[3], open: Set<Duplex>): UpgradeListener {
  return (incoming, socket, head) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    // Headers are all there is: what follows them is no body.
    const request = incoming.method === 'GET' ? toRequest(incoming, new AbortController().signal) : undefined
    void upgrade(request, socket, head, options)
  }
}

async function drain(server: Server, upgraded: ReadonlySet<Duplex>, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const idle = setInterval(() => server.closeIdleConnections(), 100)
  const cut = setTimeout(() => {
    server.closeAllConnections()
    for (const socket of upgraded) socket.destroy()
  }, drainMs)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}
