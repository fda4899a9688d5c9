import { edgeError } from '../errors.ts'

/** How slow a client of a WebSocket may be: as slow as the sender of a body. */
export interface PaceLimits {
  /** Longest wait for anything, milliseconds. */
  idleMs: number
  /** What it brings or takes on average once it was waited for `graceMs`, bytes in each second of waiting. */
  minBytesPerSecond: number
  graceMs: number
}

/** What a client brought or took, against the time it was waited for. Time in which nobody waits for it is its own. */
export interface Pace {
  /** Waits for the client. @throws `RELAY_TOO_SLOW`; what `work` throws */
  waitFor<T>(work: Promise<T>): Promise<T>
  /** Counts what came of it. */
  count(bytes: number): void
}

/** Starts to count. `now` is in milliseconds and never goes back. */
export function startPace(limits: PaceLimits, now: () => number = () => performance.now()): Pace {
  const { idleMs, minBytesPerSecond, graceMs } = limits
  let bytes = 0
  let waitedMs = 0
  return {
    async waitFor(work) {
      const since = now()
      const earnedMs = minBytesPerSecond === 0 ? Infinity : (bytes / minBytesPerSecond) * 1000
      const { promise, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(
        () => reject(edgeError('RELAY_TOO_SLOW', 'the client is too slow')),
        Math.max(0, Math.min(idleMs, graceMs + earnedMs - waitedMs)),
      )
      try {
        return await Promise.race([work, promise])
      } finally {
        clearTimeout(timer)
        waitedMs += now() - since
      }
    },
    count(more) {
      bytes += more
    },
  }
}
