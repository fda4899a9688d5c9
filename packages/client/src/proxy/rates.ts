/** How often users may ask. */
export interface Rates {
  /** Takes one request of this user. @returns 0, or whole seconds until there is one to take; nothing is taken then */
  take(user: string, perMinute: number | undefined): number
}

const MINUTE_MS = 60_000
/** What fractions of a request lose on the way. */
const ROUNDING = 1e-6
/** Users whose pace is kept in mind before those that are at rest are forgotten. */
const MAX_KEPT = 4096

/**
 * Makes {@link Rates}: a bucket for each user that holds as many requests as it may send in a minute, and fills evenly.
 *
 * @param now milliseconds on a clock that never goes back
 */
export function createRates(now: () => number): Rates {
  const buckets = new Map<string, { left: number; at: number; perMinute: number }>()

  function forgetRested(): void {
    const time = now()
    for (const [user, { left, at, perMinute }] of buckets)
      if (left + ((time - at) * perMinute) / MINUTE_MS >= perMinute) buckets.delete(user)
  }
  return {
    take(user, perMinute) {
      if (perMinute === undefined) return 0
      const time = now()
      const before = buckets.get(user)
      if (before === undefined && buckets.size >= MAX_KEPT) forgetRested()
      const left =
        before === undefined
          ? perMinute
          : Math.min(perMinute, before.left + ((time - before.at) * perMinute) / MINUTE_MS)
      if (left < 1 - ROUNDING) return Math.max(1, Math.ceil(((1 - left) * 60) / perMinute - ROUNDING))
      buckets.set(user, { left: left - 1, at: time, perMinute })
      return 0
    },
  }
}
