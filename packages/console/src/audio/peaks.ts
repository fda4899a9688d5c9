/** Loudest samples of a recording, in even steps of time: what a waveform is drawn from. */
export interface PeakMeter {
  /** The next samples, one channel, full scale 1. */
  add(samples: ArrayLike<number>): void
  /** Seconds so far. */
  readonly seconds: number
  /** At most `count` peaks of the whole, 0 to 255. */
  peaks(count: number): Uint8Array
}

/** So many a second are remembered while nobody knows how long it will be: four hours are 720 kB of them. */
const STEPS_PER_SECOND = 50

/** @param rate samples per second */
export function peakMeter(rate: number): PeakMeter {
  const perStep = Math.max(1, Math.round(rate / STEPS_PER_SECOND))
  const steps: number[] = []
  let loudest = 0
  let inStep = 0
  let count = 0
  return {
    add(samples) {
      for (let at = 0; at < samples.length; at++) {
        const sample = Math.abs(samples[at]!)
        if (sample > loudest) loudest = sample
        if (++inStep < perStep) continue
        steps.push(loudest)
        loudest = inStep = 0
      }
      count += samples.length
    },
    get seconds() {
      return count / rate
    },
    peaks: (wanted) => reducePeaks(inStep > 0 ? [...steps, loudest] : steps, wanted),
  }
}

/** Fewer peaks of the same time; each is the loudest of those it stands for. The loudest of all is 255. */
export function reducePeaks(peaks: ArrayLike<number>, wanted: number): Uint8Array {
  const length = Math.min(peaks.length, wanted)
  const reduced = new Float64Array(length)
  let loudest = 0
  for (let at = 0; at < peaks.length; at++) {
    const peak = peaks[at]!
    const to = Math.floor((at * length) / peaks.length)
    if (peak > reduced[to]!) reduced[to] = peak
    if (peak > loudest) loudest = peak
  }
  return Uint8Array.from(reduced, (peak) => (loudest === 0 ? 0 : Math.round((peak / loudest) * 255)))
}
