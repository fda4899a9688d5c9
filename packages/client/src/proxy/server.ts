import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { clientError } from '../errors.ts'
import { createProxy, type ProxyOptions } from './handler.ts'
import { bridge } from './node-bridge.ts'
import { LOOPBACK_NAMES, ownerSecret } from './owner-guard.ts'

/** Options of {@link startProxy}. */
export interface StartProxyOptions extends Omit<ProxyOptions, 'hosts'> {
  /** Address to listen on. Anything but loopback requires `apiKey`: the hop to the proxy is in clear. @default '127.0.0.1' */
  host?: string
  /** 0 picks a free port. @default 8787 */
  port?: number
  /** Further accepted `Host` values without port, for containers that reach the proxy by name. */
  allowedHosts?: Iterable<string>
}

/** A listening proxy. */
export interface RunningProxy {
  /** `http://127.0.0.1:8787` */
  readonly url: string
  /** Stops accepting, cancels what is under way, resolves when every connection is closed. Safe to call twice. */
  close(): Promise<void>
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * Serves the OpenAI API on this machine.
 * @throws `PROXY_CONFIG` a public address without secret or for an owner, a malformed host name, a secret that could be
 * guessed, or an address already in use
 */
export async function startProxy(options: StartProxyOptions): Promise<RunningProxy> {
  const { host = '127.0.0.1', port = 8787, allowedHosts = [], ...rest } = options
  if (!LOOPBACK.has(host) && options.apiKey === undefined) {
    throw clientError('PROXY_CONFIG', 'listening beyond this machine requires a local secret', {
      expected: 'a loopback address, or an API key',
      found: host,
    })
  }
  if (!LOOPBACK.has(host) && options.owner !== undefined) {
    throw clientError('PROXY_CONFIG', 'a proxy that acts for an owner listens on this machine only', {
      expected: 'a loopback address',
      found: host,
      hint: 'start another one without the owner',
    })
  }
  const names = [...new Set([...LOOPBACK_NAMES, ...allowedHosts])]
  for (const name of names) {
    if (!URL.canParse(`http://${name}:1`))
      throw clientError('PROXY_CONFIG', 'an accepted host name is malformed', { found: name })
  }
  let handler: (request: Request) => Promise<Response>
  if (options.owner !== undefined) ownerSecret(options.owner)
  const server = createServer((incoming, outgoing) => {
    bridge(handler, incoming, outgoing).catch(() => outgoing.destroy())
  })
  // Uploads may be long recordings over a slow line; the header timeout still applies.
  server.requestTimeout = 0
  const bound = await listen(server, host, port)
  handler = createProxy({ ...rest, hosts: names.map((name) => hostWithPort(name, bound)) })
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, close: () => close(server) }
}

/** URL parsing drops port 80, so the expected value must too. */
function hostWithPort(name: string, port: number): string {
  return new URL(`http://${name}:${port}`).host
}

function listen(server: Server, host: string, port: number): Promise<number> {
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

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
