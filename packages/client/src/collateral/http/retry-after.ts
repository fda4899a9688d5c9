/** Longest that a server is taken at its word, seconds: a year is not an answer. */
const MAX_SECONDS = 86_400

/**
 * How long a server asks to wait (RFC 9110 Section 10.2.3), milliseconds: a number of seconds, or a date.
 * Undefined for anything else, which is ignored.
 *
 * @param nowMs milliseconds since the Unix epoch
 */
export function parseRetryAfter(value: string | null, nowMs: number): number | undefined {
  if (value === null || value.length > 64) return undefined
  const text = value.trim()
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text), MAX_SECONDS) * 1000
  const at = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) return undefined
  return Math.min(Math.max(at - nowMs, 0), MAX_SECONDS * 1000)
}
