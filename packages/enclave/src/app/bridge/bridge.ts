import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net'

/** Sockets in the bridge's folder: of the app, where the enclave connects, and of the inner API, where the bridge does. */
export const APP_SOCKET = 'app.sock'
export const API_SOCKET = 'api.sock'

/** Connections each way at once; more are closed as they come. */
const MAX_CONNECTIONS = 1024

/** What a bridge joins. */
export interface BridgeOptions {
  /** Folder of the two sockets. */
  folder: string
  /** Where the app listens, on loopback. */
  port: number
  /** Where it finds the inner API, on loopback. */
  apiPort: number
}

/**
 * Joins two networks that have nothing in common but a folder: what comes to the socket of the app goes to its port, and
 * what comes to the port of the API to the enclave. Bytes alone: it understands nothing of them. Resolves once both listen.
 */
export async function openBridge({ folder, port, apiPort }: BridgeOptions): Promise<Server[]> {
  const app = join({ port, host: '127.0.0.1' })
  const api = join({ path: `${folder}/${API_SOCKET}` })
  await listening(app, { path: `${folder}/${APP_SOCKET}` })
  await listening(api, { host: '127.0.0.1', port: apiPort })
  return [app, api]
}

function join(target: NetConnectOpts): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ ...target, allowHalfOpen: true, noDelay: true } as NetConnectOpts)
    pass(near, far)
    pass(far, near)
  })
  server.maxConnections = MAX_CONNECTIONS
  return server
}

/** Bytes and their end. A connection that breaks takes the other with it. */
function pass(from: Socket, to: Socket): void {
  from.pipe(to)
  // Said by 'close' too, which is where it is dealt with.
  from.on('error', () => undefined)
  from.once('close', (hadError) => {
    if (hadError || !from.readableEnded) to.destroy()
  })
}

function listening(server: Server, at: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...at, backlog: 512 }, () => resolve())
  })
}
