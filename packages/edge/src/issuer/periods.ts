/** What a quota is for: a UTC day or a UTC month. */
export type Period = 'day' | 'month'

/** All periods. */
export const PERIODS = ['day', 'month'] as const satisfies readonly Period[]

const DAY_SECONDS = 86_400

/** Number of the UTC day of a time in seconds since the Unix epoch. */
export function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY_SECONDS)
}

/** First day of the period a time lies in. */
export function firstDayOf(period: Period, seconds: number): number {
  if (period === 'day') return dayOf(seconds)
  const date = new Date(seconds * 1000)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000 / DAY_SECONDS
}
