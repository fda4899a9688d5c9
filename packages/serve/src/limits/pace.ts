/** How slow the other side of a connection may be. */
export interface PaceLimits {
  /** Milliseconds of waiting in which nothing has to come, or to be taken. */
  graceMs: number
  /** On average, of the time it was waited for, once the grace is over; 0: any pace will do. */
  minBytesPerSecond: number
}

/** Parts of uploads, each of which holds a place while it comes: as slow as the slowest lines that owners have. */
export const PART_PACE: PaceLimits = { graceMs: 20_000, minBytesPerSecond: 16_384 }

/** What came or was taken, against the time it was waited for. Time in which nobody waits is not held against anybody. */
export interface Pace {
  count(bytes: number): void
  /** It was waited for so long. */
  waited(ms: number): void
  /** How long it may still be waited for, milliseconds; negative when it is too slow, `Infinity` where any pace will do. */
  leftMs(): number
}

/** Starts with nothing. */
export function startPace({ graceMs, minBytesPerSecond }: PaceLimits): Pace {
  let bytes = 0
  let waitedMs = 0
  return {
    count(more) {
      bytes += more
    },
    waited(ms) {
      waitedMs += ms
    },
    leftMs() {
      const earnedMs = minBytesPerSecond === 0 ? Infinity : (bytes / minBytesPerSecond) * 1000
      return graceMs + earnedMs - waitedMs
    },
  }
}

/** A timer set to more ends at once: 24 days, longer than anybody is waited for. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1
