/** Quieter is shown as silence, dB below full scale. */
const FLOOR_DB = -60

/** How loud a moment is, 0 to 1 as people hear it: even steps are equal steps in dB. */
export function levelOf(samples: Float32Array): number {
  if (samples.length === 0) return 0
  let power = 0
  for (const sample of samples) power += sample * sample
  const db = 10 * Math.log10(power / samples.length)
  return Math.max(0, Math.min(1, 1 - db / FLOOR_DB))
}
