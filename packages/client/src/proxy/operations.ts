import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { METRICS_TYPE } from './metrics.ts'

/** What a proxy says of itself, on a port of its own. */
export interface Operations {
  /** Text of `/metrics`. */
  metrics: () => Promise<string>
  /** Code of what `/readyz` is missing; undefined when nothing is. */
  notReady: () => string | undefined
  /** Told whenever somebody asks for `/readyz`. */
  onWatched: () => void
}

/** `GET /metrics`, `/livez`, `/readyz`; nothing else, and nothing of any request. Not listening yet. */
export function createOperations(operations: Operations): Server {
  const server = createServer((incoming, outgoing) => {
    answer(operations, incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  server.maxConnections = 64
  return server
}

async function answer(
  { metrics, notReady, onWatched }: Operations,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  if (incoming.method !== 'GET') return send(outgoing, 405, { error: 'only GET' })
  const [path] = (incoming.url ?? '').split('?', 1)
  if (path === '/livez') return send(outgoing, 200, { status: 'live' })
  if (path === '/readyz') {
    onWatched()
    const code = notReady()
    return code === undefined
      ? send(outgoing, 200, { status: 'ready' })
      : send(outgoing, 503, { status: 'not-ready', code })
  }
  if (path !== '/metrics') return send(outgoing, 404, { error: 'nothing is here' })
  const text = await metrics()
  outgoing.writeHead(200, { 'content-type': METRICS_TYPE, 'cache-control': 'no-store' }).end(text)
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  outgoing.end(JSON.stringify(body))
}
