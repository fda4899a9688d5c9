import { createHash, timingSafeEqual } from 'node:crypto'
import { envelope } from './errors.ts'

/** Who may talk to the proxy. */
export interface Guard {
  /** Accepted `Host` values with port, lower case. Others are DNS rebinding or a wrong address. */
  hosts: ReadonlySet<string>
  /** Accepted `Origin` values. Empty: no web page may call the proxy. */
  origins: ReadonlySet<string>
  /** SHA-256 of each secret that lets a program in; undefined when none is required. */
  secrets: readonly Uint8Array[] | undefined
}

/** SHA-256 of a secret, so that comparing takes the same time whatever was guessed. */
export function hashSecret(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest()
}

/** The refusal of a request, or undefined when it may pass. A web page on this machine controls all of it. */
export function refuse(guard: Guard, request: Request): Response | undefined {
  const url = new URL(request.url)
  if (!guard.hosts.has(url.host)) {
    return envelope(403, 'sotto_host_refused', 'this Host is not served here', 'fix-input')
  }
  const origin = request.headers.get('origin')
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
  if (origin === null && (site === 'cross-site' || site === 'same-site')) {
    return envelope(403, 'sotto_origin_refused', 'web pages may not use the proxy', 'fix-input')
  }
  if (guard.secrets === undefined || url.pathname === '/healthz' || isPreflight(request)) return undefined
  const presented = hashSecret(presentedSecret(request))
  if (guard.secrets.some((secret) => timingSafeEqual(presented, secret))) return undefined
  return envelope(401, 'invalid_api_key', 'this proxy requires its local secret as API key', 'fix-input')
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

function presentedSecret(request: Request): string {
  return bearerOf(request) || (request.headers.get('api-key') ?? '')
}
