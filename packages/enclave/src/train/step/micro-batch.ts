/** Rows of one run of a graph: more gain nothing, and take memory. */
const MOST = 4096
/** Rows of a run where a step has many: of the last run half is empty, on the average. */
const OF_MANY = 2048
/** Samples up to this size are one run. */
const WHOLE = 2048
/** A sample is larger than this many deviations over what is expected once in 30 000 steps, and then takes a second run. */
const DEVIATIONS = 4
/** Sizes that divide into the pieces which clipped sums are made of. */
const EVEN = 64

/**
 * Rows that a graph takes at once. A run costs some microseconds however little is in it.
 * @param batch rows that a step has, or is expected to have, from 1 on
 * @param isSampled whether how many there are is chance, as under a guarantee
 */
export function microBatchFor(batch: number, isSampled: boolean): number {
  if (!isSampled) return Math.min(MOST, batch)
  const most = Math.ceil(batch + DEVIATIONS * Math.sqrt(batch))
  if (most > WHOLE) return OF_MANY
  return most <= 4 * EVEN ? most : Math.ceil(most / EVEN) * EVEN
}
