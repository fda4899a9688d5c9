/** Seconds since the Unix epoch that never run backwards. */
export interface KmsClock {
  /** Whole seconds. */
  now(): number
  /** A verified witness time: it is at least that late (T13). */
  observe(witnessTime: number): void
  /** Seconds by the monotonic clock since the last {@link observe}; infinite before the first. */
  sinceObserved(): number
}

/** The two clocks of the host, who may set the first one as he likes. */
export interface HostClocks {
  /** Milliseconds since the Unix epoch. */
  wall: () => number
  /** Milliseconds since some start, never going back. */
  monotonic: () => number
}

/**
 * Time with a lower bound. Hardware reports carry none and the host owns the wall clock; turned
 * back, it would keep expired keys alive, so the newest witnessed time plus the monotonic clock
 * bounds it from below. Turned forward, it only makes keys expire early.
 */
export function createClock(
  host: HostClocks = { wall: Date.now, monotonic: () => performance.now() },
): KmsClock {
  let latest = 0
  let witnessed: { time: number; at: number } | undefined
  return {
    now() {
      const floor = witnessed === undefined ? 0 : witnessed.time + (host.monotonic() - witnessed.at) / 1000
      latest = Math.max(latest, Math.floor(host.wall() / 1000), Math.floor(floor))
      return latest
    },
    observe(witnessTime) {
      witnessed = { time: Math.max(witnessTime, witnessed?.time ?? 0), at: host.monotonic() }
    },
    sinceObserved() {
      return witnessed === undefined ? Number.POSITIVE_INFINITY : (host.monotonic() - witnessed.at) / 1000
    },
  }
}
