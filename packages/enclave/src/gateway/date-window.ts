/** Whether the `date` of an inner request lies in the window this gateway remembers requests of. */
export interface DateWindow {
  /**
   * From now on dates are accepted, none from before: to be called when this process first holds keys, by a clock that has
   * seen its own start. Nothing is accepted before; called again it changes nothing.
   */
  open(): void
  /** `value`: the field as received, attacker-controlled; undefined when absent. */
  accepts(value: string | undefined): boolean
  /** What the gateway takes the time to be, in milliseconds since the Unix epoch. */
  now(): number
}

/** Clock and width of a {@link DateWindow}. */
export interface DateWindowOptions {
  /** Accepted difference in both directions, in milliseconds. */
  windowMs: number
  /**
   * Milliseconds since the Unix epoch, never later than it is: a request that was accepted for a date to come could be
   * accepted again by a process that starts later. It may jump ahead, and run late, as what witnesses vouch for does.
   */
  now: () => number
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  monotonicNow?: () => number
}

const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * Makes a {@link DateWindow} (RFC 9458 Section 6.5.1), not open yet. A clock that is turned back does not reopen
 * the past, one that is held still does not keep it open while the replay window, which ages by the
 * other clock, forgets; and nothing from before it was opened is accepted: the replay window was empty then (T12).
 */
export function createDateWindow(options: DateWindowOptions): DateWindow {
  const monotonicNow = options.monotonicNow ?? (() => performance.now())
  let openedAt: number | undefined
  let latest = Number.NEGATIVE_INFINITY
  let asOf = monotonicNow()
  function now(): number {
    const monotonic = monotonicNow()
    latest = Math.max(latest + (monotonic - asOf), options.now())
    asOf = monotonic
    return latest
  }
  return {
    now,
    open() {
      // Whole seconds: an IMF-fixdate of the very second we opened in has no fraction.
      openedAt ??= Math.floor(now() / 1000) * 1000
    },
    accepts(value) {
      if (openedAt === undefined || value === undefined || !IMF_FIXDATE.test(value)) return false
      const date = Date.parse(value)
      // Refuses what Date.parse bends: 31 February, a wrong day of the week.
      if (Number.isNaN(date) || new Date(date).toUTCString() !== value) return false
      const time = now()
      return date >= openedAt && date >= time - options.windowMs && date <= time + options.windowMs
    },
  }
}
