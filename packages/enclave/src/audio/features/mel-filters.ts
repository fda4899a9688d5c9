/** One triangular filter: its weights for the bins from `firstBin` on. */
export interface MelFilter {
  readonly firstBin: number
  readonly weights: Float64Array
}

/**
 * Triangular filters evenly spaced on Slaney's mel scale (linear below 1 kHz, logarithmic above), each of
 * unit area: the filter bank of librosa's default and of Whisper.
 *
 * @param count number of filters
 * @param fftSize samples of the transform; the filters cover its `fftSize / 2 + 1` bins
 * @param sampleRate Hz; the filters reach from 0 to half of it
 */
export function createMelFilters(count: number, fftSize: number, sampleRate: number): MelFilter[] {
  const top = hertzToMel(sampleRate / 2)
  const corners = Array.from({ length: count + 2 }, (_, i) => melToHertz((top * i) / (count + 1)))
  return Array.from({ length: count }, (_, m) => {
    const [low, centre, high] = [corners[m]!, corners[m + 1]!, corners[m + 2]!]
    const firstBin = Math.ceil((low * fftSize) / sampleRate)
    const lastBin = Math.min(Math.floor((high * fftSize) / sampleRate), fftSize / 2)
    const weights = Float64Array.from({ length: Math.max(0, lastBin - firstBin + 1) }, (_, i) => {
      const hertz = ((firstBin + i) * sampleRate) / fftSize
      const height = Math.min((hertz - low) / (centre - low), (high - hertz) / (high - centre))
      return (Math.max(0, height) * 2) / (high - low)
    })
    return { firstBin, weights }
  })
}

const KNEE_HERTZ = 1000
const KNEE_MEL = 15
const LOG_STEP = Math.log(6.4) / 27

function hertzToMel(hertz: number): number {
  return hertz < KNEE_HERTZ ? (hertz * 3) / 200 : KNEE_MEL + Math.log(hertz / KNEE_HERTZ) / LOG_STEP
}

function melToHertz(mel: number): number {
  return mel < KNEE_MEL ? (mel * 200) / 3 : KNEE_HERTZ * Math.exp(LOG_STEP * (mel - KNEE_MEL))
}
