import { fillNormal } from '../random/normal.ts'
import type { Stream } from '../random/streams.ts'
import { gridOf } from './grid.ts'

/** Numbers that are drawn at a time: they stay in the fastest cache. */
const PIECE = 2048

/**
 * Adds Gaussian noise to a sum, in place: both are snapped to the grid of the deviation first, so that the result is a
 * multiple of its step, exactly.
 * @param deviation over 0: noise multiplier times clip
 * @param stream of this step only: noise that is used twice hides nothing
 */
export function addNoise(sums: readonly Float64Array[], deviation: number, stream: Stream): void {
  const grid = gridOf(deviation)
  // Powers of two: products with them are exact, as `snap` is.
  const steps = 1 / grid
  const noise = new Float64Array(PIECE)
  for (const values of sums)
    for (let from = 0; from < values.length; from += PIECE) {
      const some = values.subarray(from, from + PIECE)
      fillNormal(stream, noise.subarray(0, some.length))
      for (let at = 0; at < some.length; at++)
        some[at] = (Math.round(some[at]! * steps) + Math.round(noise[at]! * deviation * steps)) * grid
    }
}
