/**
 * The grid on which sums and noise lie. Doubles have gaps that tell which number was added to which (Mironov, CCS 2012);
 * multiples of one step, added without rounding, have none.
 */

/** Bits between the deviation of the noise and a step of the grid. */
const BITS = 24
/** Room in every clip for sums in single precision: a part of 1024. */
const SLACK = 2 ** -10

/** The step: the power of two that is 2^24 to 2^25 times smaller than the deviation. @param deviation over 0 */
export function gridOf(deviation: number): number {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, deviation)
  // The exponent of a double, which logarithms would round.
  const exponent = ((bits.getUint16(0) >> 4) & 0x7ff) - 1023
  return 2 ** (exponent - BITS)
}

/** The nearest multiple of the step. */
export function snap(value: number, grid: number): number {
  return Math.round(value / grid) * grid
}

/**
 * What the graph may clip an example's gradient to, so that a sum which is snapped to the grid moves by no more than `clip`
 * with one unit: less the rounding of the sum (half a step for each number, at both neighbours) and of single precision.
 * @param parameters how many numbers a gradient has
 * @returns undefined where nothing is left
 */
export function clipWithin(of: {
  clip: number
  noise: number
  parameters: number
  maxRowsPerUnit: number
}): number | undefined {
  const { clip, noise, parameters, maxRowsPerUnit } = of
  const rounding = Math.sqrt(parameters) * gridOf(noise * clip)
  const left = clip * (1 - SLACK) - rounding
  return left > clip / 2 ? left / maxRowsPerUnit : undefined
}
