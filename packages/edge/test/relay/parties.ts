import { connect, createServer, type Server, type Socket } from 'node:net'
import { startServer, type RunningServer } from '@sotto/serve/server'
import { EDGE_STATUSES } from '../../src/errors.ts'
import { createRelayApp } from '../../src/relay/app.ts'
import { DEFAULT_RELAY_LIMITS, type RelayConfig, type RelayLimits } from '../../src/relay/config.ts'
import { createNodeUpstream } from '../../src/relay/node-upstream.ts'

/** One connection a raw party accepted, with every byte it received so far. */
export interface RawConnection {
  socket: Socket
  received: string
  /** Resolves when `received` contains the text. */
  until(text: string): Promise<void>
  closed: Promise<void>
}

/** A TCP server that interprets nothing: what it received is what was sent. */
export interface RawServer {
  origin: string
  next(): Promise<RawConnection>
  connections: RawConnection[]
  close(): void
}

export function track(socket: Socket): RawConnection {
  const waiting: { text: string; resolve: () => void }[] = []
  const connection: RawConnection = {
    socket,
    received: '',
    until(text) {
      return new Promise((resolve) => {
        waiting.push({ text, resolve })
        check()
      })
    },
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
  }
  function check(): void {
    for (const waiter of waiting) if (connection.received.includes(waiter.text)) waiter.resolve()
  }
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    connection.received += chunk.toString('latin1')
    check()
  })
  return connection
}

export async function openRawServer(): Promise<RawServer> {
  const connections: RawConnection[] = []
  const waiting: ((connection: RawConnection) => void)[] = []
  let taken = 0
  const server: Server = createServer((socket) => {
    const connection = track(socket)
    connections.push(connection)
    waiting.shift()?.(connections[taken++]!)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    connections,
    next: () =>
      taken < connections.length
        ? Promise.resolve(connections[taken++]!)
        : new Promise((resolve) => waiting.push(resolve)),
    close() {
      for (const { socket } of connections) socket.destroy()
      server.close()
    },
  }
}

export function openRawClient(url: string): RawConnection {
  const { hostname, port } = new URL(url)
  return track(connect({ host: hostname, port: Number(port) }))
}

export function configFor(
  gateways: RelayConfig['gateways'],
  limits: Partial<RelayLimits> = {},
): Omit<RelayConfig, 'listen'> {
  return {
    gateways,
    readinessMs: 1000,
    log: undefined,
    documentSeconds: 15,
    browserOrigins: [],
    limits: { ...DEFAULT_RELAY_LIMITS, ...limits },
  }
}

/** A relay on a real socket, as `main.ts` runs it. */
export function startRelay(
  gateways: RelayConfig['gateways'],
  limits: Partial<RelayLimits> = {},
): Promise<RunningServer> {
  const app = createRelayApp({ config: configFor(gateways, limits), upstream: createNodeUpstream() })
  return startServer(app, { host: '127.0.0.1', port: 0, statuses: EDGE_STATUSES, drainMs: 0 })
}
