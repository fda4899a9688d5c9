import { clientError } from '../errors.ts'

/** The two addresses a client talks to; both belong to the relay. */
export interface RelayAddresses {
  /** `GET`: the gateway's trust bundle. */
  trust: URL
  /** `POST`: encapsulated requests. */
  requests: URL
}

const GATEWAY_NAME = /^[a-z0-9-]{1,64}$/

/**
 * Addresses of one gateway behind a relay. The relay may live under a path.
 * @throws `RELAY_URL` not https (http only on this machine), credentials, query or fragment, or a bad gateway name
 */
export function relayAddresses(relayUrl: string, gateway: string): RelayAddresses {
  const root = rootOf(relayUrl)
  if (!GATEWAY_NAME.test(gateway)) {
    throw clientError('RELAY_URL', 'the gateway name is malformed', { expected: '1-64 of a-z 0-9 -' })
  }
  const requests = `${root}/relay/${gateway}`
  return { trust: new URL(`${requests}/trust`), requests: new URL(requests) }
}

/**
 * Where the log serves `tile/...`: an address of its own, else `/log` at the relay.
 * @throws `RELAY_URL` as {@link relayAddresses}
 */
export function logAddress(relayUrl: string, logUrl: string | undefined): URL {
  return new URL(logUrl === undefined ? `${rootOf(relayUrl)}/log` : rootOf(logUrl))
}

function rootOf(address: string): string {
  const base = URL.parse(address)
  if (base === null) throw clientError('RELAY_URL', 'the relay address is not a URL')
  if (base.protocol !== 'https:' && !(base.protocol === 'http:' && isLoopback(base.hostname))) {
    // What is encrypted stays so over http, but who asks when would be public.
    throw clientError('RELAY_URL', 'the relay must be reached over https', { found: base.protocol })
  }
  if (base.username !== '' || base.password !== '' || base.search !== '' || base.hash !== '') {
    throw clientError('RELAY_URL', 'the relay address has credentials, a query or a fragment')
  }
  return base.origin + base.pathname.replace(/\/+$/, '')
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
