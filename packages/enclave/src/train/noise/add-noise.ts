import { fillNormal } from '../random/normal.ts'
import type { Stream } from '../random/streams.ts'
import { gridOf, snap } from './grid.ts'

/**
 * Adds Gaussian noise to a sum, in place: both are snapped to the grid of the deviation first, so that the result is a
 * multiple of its step, exactly.
 * @param deviation over 0: noise multiplier times clip
 * @param stream of this step only: noise that is used twice hides nothing
 */
export function addNoise(sums: readonly Float64Array[], deviation: number, stream: Stream): void {
  const grid = gridOf(deviation)
  for (const values of sums) {
    const noise = new Float64Array(values.length)
    fillNormal(stream, noise)
    for (let at = 0; at < values.length; at++)
      values[at] = snap(values[at]!, grid) + snap(noise[at]! * deviation, grid)
  }
}
