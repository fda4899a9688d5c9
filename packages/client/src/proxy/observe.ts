import { SottoError } from '@sotto/protocol/errors'
import { type Problem, problemOf } from './errors.ts'
import { followResponse } from './follow.ts'
import type { ProxyLog } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Route } from './routes.ts'

/** Watches requests from the first byte to the last. */
export type Observe = (route: Route) => Sighting

/** One request that is being watched. */
export interface Sighting {
  /** Who asks, once that is known. */
  caller(user: string | undefined): void
  /** It was answered: the result is the same answer, watched to its end. */
  answered(response: Response): Response
}

/** Seconds; models think. */
const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] as const

/** Statuses told apart: what API and proxy answer. Others are counted by their first digit. */
const STATUSES: ReadonlySet<number> = new Set([
  200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 416,
  422, 429, 499, 500, 501, 502, 503, 504,
])

/** What observers write to. */
export interface ObserverOptions {
  metrics: Metrics
  log: ProxyLog
  /** Whether names of users are labels too. */
  hasUsers: boolean
  /** Milliseconds on a clock that never goes back. @default performance.now */
  now?: () => number
}

/**
 * Counts requests by kind and status, how long they took to the last byte, what failed behind the proxy and what the
 * proxy refused; and writes one line about each. Nothing of a request but its kind is seen here.
 */
export function createObserver(options: ObserverOptions): Observe {
  const { metrics, log, hasUsers, now = () => performance.now() } = options
  const requests = metrics.counter('sotto_proxy_requests_total', 'Requests, by kind and status.')
  const seconds = metrics.histogram(
    'sotto_proxy_request_seconds',
    'Until the last byte of the answer.',
    BOUNDS,
  )
  const failures = metrics.counter(
    'sotto_proxy_upstream_failures_total',
    'What failed behind the proxy, by code.',
  )
  const refusals = metrics.counter('sotto_proxy_refusals_total', 'What the proxy itself refused, by code.')
  const ofUsers = hasUsers
    ? metrics.counter(
        'sotto_proxy_user_requests_total',
        'Requests of users whose key or certificate was good.',
      )
    : undefined

  function count({ code, isUpstream }: Problem): void {
    ;(isUpstream ? failures : refusals)({ code })
  }
  return (route) => {
    const since = now()
    let user: string | undefined
    return {
      caller(name) {
        user = name
        if (name !== undefined) ofUsers?.({ user: name })
      },
      answered(response) {
        const { status } = response
        const problem = problemOf(response)
        if (problem !== undefined) count(problem)
        requests({ route, status: labelOf(status) })
        log('request', { status, code: problem?.code, route, user })
        return followResponse(response, (failure) => {
          seconds((now() - since) / 1000, { route })
          if (failure === undefined) return
          const code = codeOf(failure)
          failures({ code })
          log('cut', { status, code, route, user })
        })
      },
    }
  }
}

/** `sotto_` and the code, as answers say it. */
function codeOf(failure: unknown): string {
  return failure instanceof SottoError ? `sotto_${failure.code.toLowerCase()}` : 'sotto_internal'
}

function labelOf(status: number): string {
  return STATUSES.has(status) ? String(status) : `${Math.floor(status / 100)}xx`
}
