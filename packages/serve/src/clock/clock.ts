/**
 * Seconds since the Unix epoch with a lower bound (T13). Hardware reports carry no time and the host owns the wall
 * clock; turned back, it would keep expired keys alive. The newest time that a quorum of witnesses vouched for, and
 * the monotonic clock since, bound it from below. Turned forward, it only makes keys expire early.
 */
export interface WitnessedClock {
  /** Whole seconds; never runs back. */
  now(): number
  /**
   * Seconds, with a fraction, that the witnesses vouched for and the monotonic clock since: the host's wall clock has no
   * part in it, turned back or forward. At most the true time, and behind it by the way of a checkpoint from its witnesses
   * to us; minus infinity before the first {@link observe}.
   */
  witnessed(): number
  /** A verified witness time: it is at least that late. One that was seen before, or an older one, adds nothing. */
  observe(witnessTime: number): void
  /**
   * Age in seconds of the newest {@link observe}d time, by the monotonic clock; infinite before the first. Showing
   * an old checkpoint again does not make it smaller, and neither does showing hoarded ones one by one.
   */
  sinceObserved(): number
}

/** The two clocks of the host, who may set the first one as he likes. */
export interface HostClocks {
  /** Milliseconds since the Unix epoch. */
  wall: () => number
  /** Milliseconds since some start, never going back. */
  monotonic: () => number
}

/** Makes a {@link WitnessedClock}. */
export function createClock(
  host: HostClocks = { wall: Date.now, monotonic: () => performance.now() },
): WitnessedClock {
  let latest = 0
  let newest = Number.NEGATIVE_INFINITY
  /** It was at least `time` when the monotonic clock said `at`. */
  let bound: { time: number; at: number } | undefined

  function floor(): number {
    return bound === undefined ? Number.NEGATIVE_INFINITY : bound.time + (host.monotonic() - bound.at) / 1000
  }
  return {
    now() {
      latest = Math.max(latest, Math.floor(host.wall() / 1000), Math.floor(floor()))
      return latest
    },
    witnessed: floor,
    observe(witnessTime) {
      newest = Math.max(newest, witnessTime)
      if (bound === undefined || witnessTime > floor()) bound = { time: witnessTime, at: host.monotonic() }
    },
    sinceObserved() {
      return bound === undefined ? Number.POSITIVE_INFINITY : floor() - newest
    },
  }
}
