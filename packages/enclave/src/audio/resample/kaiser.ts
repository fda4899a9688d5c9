/** Modified Bessel function of the first kind, order zero, by its power series. */
function besselI0(x: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

/** Kaiser window at `position` in [-1, 1]; zero outside. */
function kaiserWindow(position: number, beta: number): number {
  const inside = 1 - position * position
  return inside <= 0 ? 0 : besselI0(beta * Math.sqrt(inside)) / besselI0(beta)
}

/** Window shape for a stop band of this many dB, above 50 (Kaiser 1974). */
export function kaiserBeta(attenuationDb: number): number {
  return 0.1102 * (attenuationDb - 8.7)
}

/** Length in samples of a filter with that stop band and a transition of `width` cycles per sample. */
export function kaiserLength(attenuationDb: number, width: number): number {
  return Math.ceil((attenuationDb - 7.95) / (2.285 * 2 * Math.PI * width)) + 1
}

/** Sinc of a low pass with this cut-off in cycles per sample, times a Kaiser window of `halfLength` samples. */
export function lowPassTap(time: number, cutoff: number, halfLength: number, beta: number): number {
  const phase = 2 * Math.PI * cutoff * time
  const sinc = phase === 0 ? 1 : Math.sin(phase) / phase
  return 2 * cutoff * sinc * kaiserWindow(time / halfLength, beta)
}
