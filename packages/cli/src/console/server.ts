import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cliError } from '../errors.ts'
import { createHandler, type HandlerOptions } from './handler.ts'

/** Nobody else reaches the pages: there is no flag for another address. */
const ADDRESS = '127.0.0.1'
/** Names of this machine that a browser may have followed. */
const NAMES = [ADDRESS, 'localhost']
/** A browser opens six; the rest is for other windows. */
const MAX_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 10_000

/** Pages that are being served. */
export interface RunningPages {
  /** `http://127.0.0.1:8790` */
  readonly url: string
  /** Resolves when every connection is closed. */
  close(): Promise<void>
}

/**
 * Serves pages on this machine.
 * @param port 0 picks a free one
 * @throws `CLI_USAGE` for a port that is taken, or a relay that is no address
 */
export async function servePages(
  options: Omit<HandlerOptions, 'hosts'>,
  port: number,
): Promise<RunningPages> {
  let handler: (request: Request) => Response
  const server = createServer((incoming, outgoing) => {
    void answer(handler, incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  const bound = await listen(server, port)
  try {
    // The parser of URLs drops port 80, as browsers do, so the expected value must too.
    handler = createHandler({
      ...options,
      hosts: NAMES.map((name) => new URL(`http://${name}:${bound}`).host),
    })
  } catch (error) {
    server.close()
    throw error
  }
  return { url: new URL(`http://${ADDRESS}:${bound}`).origin, close: () => close(server) }
}

async function answer(
  handler: (request: Request) => Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { method = 'GET', url: target = '', headers } = incoming
  const host = headers.host ?? ''
  // A slash, at sign or space in Host would move the boundary between authority and path.
  const url =
    target.startsWith('/') && /^[\w.:[\]-]{1,255}$/.test(host) ? URL.parse(`http://${host}${target}`) : null
  if (url === null) return void outgoing.writeHead(400, { connection: 'close' }).end()
  const known = headers['if-none-match']
  const request = new Request(url, {
    method: /^(?:CONNECT|TRACE|TRACK)$/i.test(method) ? 'OPTIONS' : method,
    headers: known === undefined ? {} : { 'if-none-match': known },
  })
  const response = handler(request)
  // Whatever a request brings along is not read.
  if (method !== 'GET' && method !== 'HEAD') response.headers.set('connection', 'close')
  const body = Buffer.from(await response.arrayBuffer())
  outgoing.writeHead(response.status, [...response.headers].flat()).end(body)
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE'
      reject(
        cliError(
          'CLI_USAGE',
          isTaken ? `port ${port} of this machine is in use` : `cannot listen on ${ADDRESS}:${port}`,
          {
            ...(!isTaken && { found: cause.code ?? 'unknown failure' }),
            hint: isTaken
              ? 'is sotto console running already? End it, or take another port with --port'
              : 'take another port with --port',
            cause,
          },
        ),
      )
    })
    server.listen(port, ADDRESS, () => resolve((server.address() as AddressInfo).port))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
