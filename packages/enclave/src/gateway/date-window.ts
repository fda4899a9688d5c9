/** Whether the `date` of an inner request lies in the window this gateway remembers requests of. */
export interface DateWindow {
  /** `value`: the field as received, attacker-controlled; undefined when absent. */
  accepts(value: string | undefined): boolean
  /** What the gateway takes the time to be, in milliseconds since the Unix epoch. */
  now(): number
}

/** Clock and width of a {@link DateWindow}. */
export interface DateWindowOptions {
  /** Accepted difference in both directions, in milliseconds. */
  windowMs: number
  /** Milliseconds since the Unix epoch, from a clock the operator may control. */
  wallNow: () => number
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  monotonicNow?: () => number
}

const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * Makes a {@link DateWindow} (RFC 9458 Section 6.5.1). A clock that is turned back does not reopen
 * the past, one that is held still does not keep it open while the replay window, which ages by the
 * other clock, forgets; and nothing from before this process is accepted: its replay window was empty then.
 */
export function createDateWindow(options: DateWindowOptions): DateWindow {
  // Whole seconds: an IMF-fixdate of the very second we started in has no fraction.
  const startedAt = Math.floor(options.wallNow() / 1000) * 1000
  const monotonicNow = options.monotonicNow ?? (() => performance.now())
  let latest = startedAt
  let asOf = monotonicNow()
  function now(): number {
    const monotonic = monotonicNow()
    latest = Math.max(latest + (monotonic - asOf), options.wallNow())
    asOf = monotonic
    return latest
  }
  return {
    now,
    accepts(value) {
      if (value === undefined || !IMF_FIXDATE.test(value)) return false
      const date = Date.parse(value)
      // Refuses what Date.parse bends: 31 February, a wrong day of the week.
      if (Number.isNaN(date) || new Date(date).toUTCString() !== value) return false
      const time = now()
      return date >= startedAt && date >= time - options.windowMs && date <= time + options.windowMs
    },
  }
}
