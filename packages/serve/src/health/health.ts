import type { App } from '../errors/index.ts'

/** Whether a role can do its work right now; the code says what is missing, or what goes on without. */
export type Readiness = { ready: true; degraded?: string } | { ready: false; code: string }

/** Where a role says whether it can do its work. */
export const READINESS_PATH = '/readyz'

/** What a role says at {@link READINESS_PATH} that cannot do its work; the code says what is missing. */
export function notReady(code: string): Response {
  return answer(503, { status: 'not-ready', code })
}

/**
 * Answers `GET /livez` (the process runs) and `GET /readyz` (attested and keys held: 200, with `degraded` where
 * something optional fails, or 503 with a code); every other request goes to `app`.
 */
export function withHealth(app: App, readiness: () => Readiness): App {
  return function appWithHealth(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/livez') return answer(200, { status: 'live' })
    if (pathname !== READINESS_PATH) return app(request)
    const state = readiness()
    return state.ready
      ? answer(200, { status: 'ready', ...(state.degraded !== undefined && { degraded: state.degraded }) })
      : notReady(state.code)
  }
}

function answer(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}
