import { cliError } from '../errors.ts'

/**
 * What pages may load and do, by directive (CSP Level 3), apart from `connect-src`: nothing from elsewhere, no script or
 * style in the text, and no HTML out of strings.
 */
export const DIRECTIVES: Readonly<Record<string, readonly string[]>> = {
  __proto__: null as never,
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'blob:', 'data:'],
  'media-src': ['blob:'],
  'worker-src': ["'self'", 'blob:'],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
  'require-trusted-types-for': ["'script'"],
  'trusted-types': ["'none'"],
}

/** Where a page may connect: its own host, and the relay by fetch and by WebSocket. */
export function connectSources(relay: string): string[] {
  const { protocol, host } = relayUrl(relay)
  return ["'self'", `${protocol}//${host}`, `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}`]
}

/** The whole policy of a page that asks this relay, in one line. @throws `CLI_USAGE` for what is no address */
export function contentSecurityPolicy(relay: string): string {
  return policyOf(connectSources(relay))
}

/** The policy of a page that may connect to these sources. */
export function policyOf(connect: readonly string[]): string {
  return [...Object.entries(DIRECTIVES), ['connect-src', connect] as const]
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ')
}

/** A character that ends a directive must not get into a header by an address: the parser of URLs takes it in a host. */
function relayUrl(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && /^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(url.hostname))
    return url
  throw cliError('CLI_USAGE', 'the relay is not an address', { expected: 'https://…', found: text })
}
