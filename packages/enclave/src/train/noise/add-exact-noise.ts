import { sampleDiscreteGaussian } from '../../noise/index.ts'
import type { Stream } from '../random/streams.ts'
import { gridOf, snap } from './grid.ts'

/**
 * Adds discrete Gaussian noise to a sum, in place, by whole numbers of steps of the grid: nothing about it is rounded but the
 * deviation, up by less than a part of 2^24.
 * @param deviation over 0: noise multiplier times clip
 * @param stream of this step only: noise that is used twice hides nothing
 */
export function addExactNoise(sums: readonly Float64Array[], deviation: number, stream: Stream): void {
  const grid = gridOf(deviation)
  const variance = { numerator: BigInt(Math.ceil(deviation / grid)) ** 2n, denominator: 1n }
  const random = (length: number): Uint8Array => Uint8Array.from({ length }, () => stream.byte())
  for (const values of sums)
    for (let at = 0; at < values.length; at++)
      values[at] = snap(values[at]!, grid) + Number(sampleDiscreteGaussian(variance, random)) * grid
}
