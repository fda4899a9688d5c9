import { serveError } from '../errors/index.ts'

/** A token bucket: bursts of `capacity`, then `perSecond` on average. Not shared between processes. */
export interface RateLimiter {
  /** Takes one token. @throws `HTTP_TOO_MANY` when there is none */
  take(): void
  /** Puts a token back that was taken for something which did not happen. */
  giveBack(): void
}

/** Makes a {@link RateLimiter}; `now` is in milliseconds and never goes back (default `performance.now`). */
export function createRateLimiter(
  limit: { capacity: number; perSecond: number },
  now: () => number = () => performance.now(),
): RateLimiter {
  let tokens = limit.capacity
  let last = now()
  return {
    take() {
      const time = now()
      tokens = Math.min(limit.capacity, tokens + ((time - last) / 1000) * limit.perSecond)
      last = time
      if (tokens < 1) throw serveError('HTTP_TOO_MANY', 'too many requests; wait before the next one')
      tokens -= 1
    },
    giveBack() {
      tokens = Math.min(limit.capacity, tokens + 1)
    },
  }
}

/** Runs at most `running` tasks at once and keeps at most `waiting` in line, first come first served. */
export interface ConcurrencyLimiter {
  /** @throws `HTTP_BUSY` when the line is full; whatever `task` throws otherwise */
  run<T>(task: () => Promise<T>): Promise<T>
  /** Tasks running now. */
  readonly running: number
}

/** Makes a {@link ConcurrencyLimiter}. */
export function createConcurrencyLimiter(limit: { running: number; waiting: number }): ConcurrencyLimiter {
  const line: (() => void)[] = []
  let running = 0
  return {
    async run(task) {
      if (running >= limit.running) {
        if (line.length >= limit.waiting) throw serveError('HTTP_BUSY', 'too many requests are in progress')
        await new Promise<void>((resolve) => line.push(resolve))
      } else {
        running++
      }
      try {
        return await task()
      } finally {
        const next = line.shift()
        // The place is handed over, not freed: a newcomer cannot slip in between.
        if (next === undefined) running--
        else next()
      }
    },
    get running() {
      return running
    },
  }
}
