/** What repeats of one measurement came to. */
export interface Spread {
  min: number
  median: number
  max: number
  count: number
}

/** Smallest, middle and largest of at least one value. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    min: sorted[0]!,
    median: percentile(sorted, 0.5),
    max: sorted.at(-1)!,
    count: sorted.length,
  }
}

/** Median of values in any order. */
export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

/** `share` 0..1 of ascending values; between two neighbours the mean by distance. */
export function percentile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)]!
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1)
}

/** `12.3 / 12.9 / 14.0 ms`: smallest, middle, largest. */
export function show({ min, median, max }: Spread, unit: string, digits = 2): string {
  return `${[min, median, max].map((value) => value.toFixed(digits)).join(' / ')} ${unit}`
}

/** `gate < 5 ms: holds`, or that it does not. */
export function gate(value: number, limit: number, unit: string): string {
  return `gate < ${limit} ${unit}: ${value < limit ? 'holds' : 'DOES NOT HOLD'}`
}
