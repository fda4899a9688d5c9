import type { App } from '@sotto/serve/errors'
import type { UsagePublisher } from '../usage/index.ts'

/** Adds `GET /usage` to the operator's own port: the newest signed counts; 404 before the first. */
export function withUsage(app: App, usage: UsagePublisher): App {
  return async (request) => {
    if (new URL(request.url).pathname !== '/usage') return app(request)
    if (request.method !== 'GET') return new Response(null, { status: 405 })
    if (usage.newest === undefined) return new Response(null, { status: 404 })
    return new Response(usage.newest as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    })
  }
}
