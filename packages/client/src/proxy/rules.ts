import type { SottoError } from '@sotto/protocol/errors'
import { type ClientErrorCode, clientError } from '../errors.ts'
import { LOOPBACK_NAMES, ownerSecret } from './owner-guard.ts'
import type { StartProxyOptions } from './server.ts'

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/** Whether an address is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host)
}

/** Options that contradict each other, or would open more than was meant. @throws `PROXY_CONFIG` */
export function checkOptions(options: StartProxyOptions): void {
  const { host = '127.0.0.1', apiKey, owner, tls, usersFile, limits = {}, metrics } = options
  const tellsUsersApart = usersFile !== undefined || tls?.clientCaFile !== undefined
  if (owner !== undefined) ownerSecret(owner)
  if (tellsUsersApart && apiKey !== undefined)
    throw wrong('a proxy with users has no shared secret', {
      expected: 'users or client certificates, or an API key for all',
      hint: 'give every user a key: sotto proxy users add NAME; SOTTO_API_KEY counts as well',
    })
  if (tellsUsersApart && owner !== undefined)
    throw wrong('a proxy that acts for an owner has no users', {
      hint: 'start another one without the owner',
    })
  if (!isLoopback(host)) {
    if (apiKey === undefined && !tellsUsersApart)
      throw wrong('listening beyond this machine requires a local secret', {
        expected: 'a loopback address, an API key, users, or client certificates',
        found: host,
      })
    if (owner !== undefined)
      throw wrong('a proxy that acts for an owner listens on this machine only', {
        expected: 'a loopback address',
        found: host,
        hint: 'start another one without the owner',
      })
  }
  const { maxConcurrent, maxWaiting, maxWaitMs } = limits
  if (maxConcurrent === undefined && (maxWaiting !== undefined || maxWaitMs !== undefined))
    throw wrong('nobody waits where there is no bound on requests at once', {
      expected: 'maxConcurrent as well',
    })
  if (options.logUsers === true && !tellsUsersApart)
    throw wrong('this proxy knows no users whose names it could write')
  if (metrics !== undefined && metrics.port !== 0 && metrics.port === (options.port ?? DEFAULT_PORT))
    throw wrong('metrics have a port of their own', { found: String(metrics.port) })
}

/** Where a proxy listens that was not told. */
export const DEFAULT_PORT = 8787

/**
 * Accepted `Host` values, as URLs have them: names of this machine with the port, and further names with it, with the port
 * they come with, or with none: whoever stands before the proxy may have taken it for the scheme's own.
 * @throws `PROXY_CONFIG` a name that could never be accepted
 */
export function acceptedHosts(names: Iterable<string>, scheme: 'http' | 'https', port: number): string[] {
  const hosts = [...LOOPBACK_NAMES].map((name) => hostOf(scheme, name, port))
  for (const name of names) {
    const hasPort = /^[^:]+:\d+$|\]:\d+$/.test(name)
    if (hasPort) hosts.push(hostOf(scheme, name))
    else hosts.push(hostOf(scheme, name, port), hostOf(scheme, name))
  }
  return hosts
}

function hostOf(scheme: string, name: string, port?: number): string {
  // URL parsing drops the scheme's own port, so the expected value must too.
  const url = URL.parse(port === undefined ? `${scheme}://${name}` : `${scheme}://${name}:${port}`)
  if (url === null || url.pathname + url.search + url.hash + url.username + url.password !== '/')
    throw wrong('an accepted host name is malformed', { found: name })
  return url.host
}

function wrong(
  message: string,
  options: { expected?: string; found?: string; hint?: string } = {},
): SottoError<ClientErrorCode> {
  return clientError('PROXY_CONFIG', message, options)
}
