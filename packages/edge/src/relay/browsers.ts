import type { App } from '@sotto/serve/errors'

/** Seconds a browser may remember the answer to a preflight request. */
const PREFLIGHT_SECONDS = 600

/** Whether pages of this origin may use the relay. */
export function isAllowedOrigin(origin: string, origins: readonly string[]): boolean {
  return origins.includes('*') || origins.includes(origin)
}

/**
 * Lets pages of the listed origins (or of any, `*`) use `app` (Fetch standard, CORS). Credentials
 * are never allowed, so a browser attaches no cookie to what it sends here.
 */
export function allowBrowsers(app: App, origins: readonly string[]): App {
  return async function appForBrowsers(request) {
    const origin = request.headers.get('origin')
    const isAllowed = origin !== null && isAllowedOrigin(origin, origins)
    if (!isAllowed) return app(request)
    const allowOrigin = origins.includes('*') ? '*' : origin
    if (request.method === 'OPTIONS' && request.headers.has('access-control-request-method')) {
      const headers = {
        'access-control-allow-origin': allowOrigin,
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'content-type, incremental',
        'access-control-max-age': String(PREFLIGHT_SECONDS),
        vary: 'origin',
      }
      return new Response(null, { status: 204, headers })
    }
    const response = await app(request)
    response.headers.set('access-control-allow-origin', allowOrigin)
    response.headers.append('vary', 'origin')
    return response
  }
}
