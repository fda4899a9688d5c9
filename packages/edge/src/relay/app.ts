import { NONCE_RATE, nonceOf } from '@sotto/protocol/keyrelease'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { createRateLimiter } from '@sotto/serve/limits'
import type { WebSocketRoute } from '@sotto/serve/websocket'
import { Hono } from 'hono'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import { allowBrowsers } from './browsers.ts'
import { DEFAULT_READINESS_MS, type RelayConfig } from './config.ts'
import {
  createDocumentCache,
  DOCUMENTS,
  type DocumentKind,
  fetchDocument,
  fetchForNonce,
} from './documents.ts'
import { relayExchange } from './exchange.ts'
import { createGateway, type Gateway } from './gateway.ts'
import type { MonotonicNow } from './guard-stream.ts'
import { LOG_CHECKPOINT, logTile } from './log-documents.ts'
import { watchReadiness } from './readiness.ts'
import type { Upstream } from './upstream.ts'
import { relaySockets } from './web-socket.ts'

/** A tile never changes: whoever stands between may keep it. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

/** What a relay is made of. */
export interface RelayOptions {
  config: Omit<RelayConfig, 'listen' | 'readinessMs'> & Partial<Pick<RelayConfig, 'readinessMs'>>
  upstream: Upstream
  /** Default: `performance.now`. */
  now?: MonotonicNow
  /** Told per failed request: the code alone, nothing about who or how much. */
  onError?: (code: string) => void
}

/** The two faces of a relay. */
export interface Relay {
  app: App
  /** `GET /relay/{gateway}` with an upgrade: the same exchange where `fetch` cannot send and receive at once. */
  webSockets: WebSocketRoute
  /** Stops asking origins whether they are ready. */
  close(): void
}

/**
 * The relay: it knows who asks, and learns nothing else. Gateways come from the configuration only,
 * so it is no open proxy; `POST /relay/{gateway}` reaches `/ohttp` of that gateway, or of one of its enclaves, and
 * nothing more.
 * Checkpoint and tiles of one log come through it too: clients prove with them that the log only grew.
 */
export function createRelay(options: RelayOptions): Relay {
  const { config, upstream, now = () => performance.now() } = options
  const documents = createDocumentCache(upstream, config.documentSeconds * 1000, now)
  const gateways = new Map<string, Gateway>()
  for (const [name, origins] of Object.entries(config.gateways))
    gateways.set(name, createGateway(typeof origins === 'string' ? [origins] : origins))
  const watches = [...gateways.values()].map((gateway) =>
    watchReadiness(gateway, upstream, config.readinessMs ?? DEFAULT_READINESS_MS),
  )
  const nonces = createRateLimiter(NONCE_RATE, now)
  let running = 0

  const app = new Hono()
  app.post('/relay/:gateway', (c) => exchangeWith(gatewayOf(c.req.param('gateway')), c.req.raw))
  for (const [name, kind] of Object.entries(DOCUMENTS)) {
    app.get(`/relay/:gateway/${name}`, async (c) => {
      const gateway = gatewayOf(c.req.param('gateway'))
      const nonce = kind === DOCUMENTS.trust ? nonceOf(c.req.url) : undefined
      if (nonce !== undefined) return trustFor(gateway, nonce)
      const bytes = await documents.get(gateway, kind)
      return publicDocument(bytes, kind, `public, max-age=${config.documentSeconds}`)
    })
  }
  const { log } = config
  if (log !== undefined) {
    const logOwner = { documentOrigins: () => [log] }
    app.get(LOG_CHECKPOINT.path, async () => {
      const bytes = await documents.get(logOwner, LOG_CHECKPOINT)
      return publicDocument(bytes, LOG_CHECKPOINT, `public, max-age=${config.documentSeconds}`)
    })
    app.get('/log/tile/*', async (c) => {
      const kind = logTile(c.req.path)
      if (kind === undefined) throw serveError('HTTP_NOT_FOUND', 'this is not the path of a tile')
      const leave = admit()
      try {
        return publicDocument(await fetchDocument(upstream, log, kind), kind, IMMUTABLE)
      } finally {
        leave()
      }
    })
  }
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'the relay has no such route')
  })
  app.onError((error) => {
    throw error
  })

  async function exchangeWith(gateway: Gateway, request: Request): Promise<Response> {
    const response = await relayExchange(request, gateway, { upstream, limits: config.limits, now, admit })
    // Its keys are others than those it was asked about: whoever looks next must see which.
    if (response.status === 422) documents.forget(gateway)
    return response
  }
  /** Evidence for whoever asks, made now: ordinary bundles are the same for everybody, and stay so (T6). */
  async function trustFor(gateway: Gateway, nonce: string): Promise<Response> {
    nonces.take()
    const leave = admit()
    try {
      const bytes = await fetchForNonce(upstream, gateway, DOCUMENTS.trust, nonce)
      return publicDocument(bytes, DOCUMENTS.trust, 'no-store')
    } finally {
      leave()
    }
  }
  function admit(): () => void {
    if (running >= config.limits.exchanges)
      throw serveError('HTTP_BUSY', 'too many exchanges are in progress')
    running++
    return () => void running--
  }
  function gatewayOf(name: string): Gateway {
    const gateway = gateways.get(name)
    if (gateway === undefined)
      throw edgeError('RELAY_UNKNOWN_GATEWAY', 'the relay knows no gateway of this name')
    return gateway
  }

  const mapped = mapErrors((request) => app.fetch(request), {
    statuses: EDGE_STATUSES,
    onError: (code) => options.onError?.(code),
  })
  return {
    app: allowBrowsers(mapped, config.browserOrigins),
    webSockets: relaySockets({
      gatewayOf,
      browserOrigins: config.browserOrigins,
      limits: config.limits,
      exchange: exchangeWith,
      onError: (code) => options.onError?.(code),
    }),
    close: () => watches.forEach((end) => end()),
  }
}

/** {@link createRelay} without its WebSockets. */
export function createRelayApp(options: RelayOptions): App {
  return createRelay(options).app
}

function publicDocument(bytes: Uint8Array, { contentType }: DocumentKind, cacheControl: string): Response {
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': contentType, 'cache-control': cacheControl },
  })
}
