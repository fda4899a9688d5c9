import { type PaceLimits, startPace } from '@sotto/serve/limits'
import { edgeError } from '../errors.ts'

/** How slow a client of a WebSocket may be: as slow as the sender of a body. */
export interface ClientPaceLimits extends PaceLimits {
  /** Longest wait for anything, milliseconds. */
  idleMs: number
}

/** What a client brought or took, against the time it was waited for. */
export interface ClientPace {
  /** Waits for the client. @throws `RELAY_TOO_SLOW`; what `work` throws */
  waitFor<T>(work: Promise<T>): Promise<T>
  /** Counts what came of it. */
  count(bytes: number): void
}

/** Starts to count. `now` is in milliseconds and never goes back. */
export function startClientPace(
  limits: ClientPaceLimits,
  now: () => number = () => performance.now(),
): ClientPace {
  const pace = startPace(limits)
  return {
    async waitFor(work) {
      const since = now()
      const { promise, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(
        () => reject(edgeError('RELAY_TOO_SLOW', 'the client is too slow')),
        Math.max(0, Math.min(limits.idleMs, pace.leftMs())),
      )
      try {
        return await Promise.race([work, promise])
      } finally {
        clearTimeout(timer)
        pace.waited(now() - since)
      }
    },
    count: (bytes) => pace.count(bytes),
  }
}
