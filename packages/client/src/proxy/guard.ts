import { createHash } from 'node:crypto'
import { envelope } from './errors.ts'

/** From where the proxy may be asked. */
export interface Guard {
  /** Accepted `Host` values with port, lower case. Others are DNS rebinding or a wrong address. */
  hosts: ReadonlySet<string>
  /** Accepted `Origin` values. Empty: no web page may call the proxy. */
  origins: ReadonlySet<string>
  /**
   * Whether pages come from the proxy itself: they may call it then, and a link of another page may lead to one. Every
   * accepted `Host` is an origin of the proxy's own.
   */
  hasPages: boolean
}

/** SHA-256 of a secret, so that comparing takes the same time whatever was guessed. */
export function hashSecret(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest()
}

/**
 * The refusal of a request that comes from where none may, or undefined. A web page on this machine controls all of it
 * but `Host`, `Origin` and the fetch metadata, which its browser writes.
 */
export function refuse(guard: Guard, request: Request): Response | undefined {
  const url = new URL(request.url)
  if (!guard.hosts.has(url.host)) {
    return envelope(403, 'sotto_host_refused', 'this Host is not served here', 'fix-input')
  }
  const origin = request.headers.get('origin')
  if (guard.hasPages && isOwnPage(request, url, origin)) return undefined
  if (origin !== null && !guard.origins.has(origin)) {
    return envelope(
      403,
      'sotto_origin_refused',
      'web pages of this origin may not use the proxy',
      'fix-input',
    )
  }
  // Requests without Origin (images, forms of old browsers) still carry the fetch metadata.
  const site = request.headers.get('sec-fetch-site')
  const isForeign = origin === null && (site === 'cross-site' || site === 'same-site')
  if (isForeign && !(guard.hasPages && isVisit(request))) {
    return envelope(403, 'sotto_origin_refused', 'web pages may not use the proxy', 'fix-input')
  }
  return undefined
}

/** A request of a page of the proxy's own. Without a referrer a form says `null`, and its browser says the site. */
function isOwnPage({ headers }: Request, url: URL, origin: string | null): boolean {
  return origin === url.origin || (origin === 'null' && headers.get('sec-fetch-site') === 'same-origin')
}

/** Somebody follows a link, in a window of its own: no frame, no image, no form that sends something. */
function isVisit({ method, headers }: Request): boolean {
  return (
    method === 'GET' &&
    headers.get('sec-fetch-mode') === 'navigate' &&
    headers.get('sec-fetch-dest') === 'document'
  )
}

/** CORS headers for an accepted origin; none otherwise. */
export function corsHeaders(guard: Guard, request: Request): [string, string][] {
  const origin = request.headers.get('origin')
  if (origin === null || !guard.origins.has(origin)) return []
  return [
    ['access-control-allow-origin', origin],
    ['access-control-expose-headers', 'inference-header-content-length, x-request-id, x-should-retry'],
    ['vary', 'Origin'],
  ]
}

/** A CORS preflight. */
export function isPreflight(request: Request): boolean {
  return request.method === 'OPTIONS' && request.headers.has('access-control-request-method')
}

/** What stands behind `Bearer`; empty when nothing does. */
export function bearerOf(request: Request): string {
  return /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
}

/** What a program presents as its API key, or a browser as the password that its user typed; empty when nothing. */
export function presentedSecret(request: Request): string {
  return bearerOf(request) || (request.headers.get('api-key') ?? '') || passwordOf(request)
}

/** The password of RFC 7617. What stands before the colon is whatever its user typed. */
function passwordOf(request: Request): string {
  const [, encoded] =
    /^Basic ([A-Za-z0-9+/]{1,1024}={0,2})$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (encoded === undefined) return ''
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  return text.includes(':') ? text.slice(text.indexOf(':') + 1) : ''
}
