import { createMelFilters, type MelFilter } from '../../audio/features/mel-filters.ts'
import { createPowerSpectrum, type PowerSpectrum } from '../../audio/features/real-fft.ts'

const SAMPLE_RATE = 16_000
const FFT_SIZE = 400
const HALF = FFT_SIZE / 2
const HOP = 160
const FLOOR = 1e-10
/** Silence is at most this far below the loudest frame, in powers of ten. */
const RANGE = 8

/** Whisper's log-mel features of a recording of any length, computed as the samples arrive. */
export interface FeatureStream {
  /** Mono at 16 kHz. */
  push(samples: Float32Array): void
  /** No more samples follow: what is behind the last one is silence. */
  end(): void
  /** Frames of 10 ms that are known by now. After {@link end}, all of the recording. */
  readonly frames: number
  readonly samples: number
  /**
   * Features of `count` frames from `start` on, row by row (`[mels, count]`), always with the same `count`.
   * Frames before `start` are forgotten. The floor lies 8 powers of ten under the loudest frame up to the end of
   * this window: Whisper takes the loudest of the whole recording, which is not known while it still arrives.
   */
  window(start: number, count: number): Float32Array
}

/** @param mels 80, or 128 for large-v3 and its descendants */
export function createFeatureStream(mels: number): FeatureStream {
  const filters = createMelFilters(mels, FFT_SIZE, SAMPLE_RATE)
  const spectrum = createPowerSpectrum(FFT_SIZE)
  const levels: Float32Array[] = []
  let firstLevel = 0
  let loudest = Math.log10(FLOOR)
  let heard = 0
  // The samples from `firstSample` on; the reflection of the first half frame stands in front of them.
  let held = new Float32Array(0)
  let firstSample = -HALF
  let total = 0
  let mirrored = false
  let ended = false

  const advance = (): void => {
    if (!mirrored) {
      if (total <= HALF && !ended) return
      held = reflected(held)
      mirrored = true
    }
    // After the end, also the frames behind it that still reach into the sound.
    const known = Math.floor((total + (ended ? HALF - 1 : -HALF)) / HOP) + 1
    const next = firstLevel + levels.length
    for (let frame = next; frame < known; frame++)
      levels.push(levelsAt(held, frame * HOP - HALF - firstSample, spectrum, filters))
    const keep = Math.max(0, Math.min(held.length, (firstLevel + levels.length) * HOP - HALF - firstSample))
    held = held.slice(keep)
    firstSample += keep
  }

  return {
    push: (samples) => {
      if (samples.length === 0) return
      held = joined(held, samples)
      total += samples.length
      advance()
    },
    end: () => {
      if (ended) return
      ended = true
      held = joined(held, new Float32Array(FFT_SIZE))
      advance()
    },
    get frames() {
      return ended ? Math.floor(total / HOP) : firstLevel + levels.length
    },
    get samples() {
      return total
    },
    window: (start, count) => {
      if (start < firstLevel) throw new RangeError('frames before the last window are forgotten')
      levels.splice(0, start - firstLevel)
      firstLevel = start
      const data = new Float32Array(mels * count).fill(Math.log10(FLOOR))
      const sounding = ended ? Math.floor(total / HOP) : Infinity
      // Frames behind the recording are silence in the first window and zero in later ones, as in the reference.
      const filled = Math.min(count, Math.max(count, sounding) - start)
      const present = Math.min(filled, levels.length)
      for (let t = 0; t < present; t++) {
        const frame = levels[t]!
        for (let m = 0; m < mels; m++) {
          const level = frame[m]!
          data[m * count + t] = level
          if (start + t >= heard && level > loudest) loudest = level
        }
      }
      heard = Math.max(heard, start + present)
      const lowest = loudest - RANGE
      return data.map((level, i) => (i % count < filled ? (Math.max(level, lowest) + 4) / 4 : 0))
    },
  }
}

function levelsAt(
  samples: Float32Array,
  at: number,
  spectrum: PowerSpectrum,
  filters: readonly MelFilter[],
): Float32Array {
  const frame = new Float64Array(FFT_SIZE)
  for (let i = 0; i < FFT_SIZE; i++) frame[i] = (samples[at + i] ?? 0) * HANN[i]!
  const power = new Float64Array(HALF + 1)
  spectrum.compute(frame, power)
  return Float32Array.from(filters, ({ firstBin, weights }) => {
    let sum = 0
    for (let i = 0; i < weights.length; i++) sum += weights[i]! * power[firstBin + i]!
    return Math.log10(Math.max(FLOOR, sum))
  })
}

/** The first half frame mirrored in front of the samples, the first sample not repeated. */
function reflected(samples: Float32Array): Float32Array<ArrayBuffer> {
  const front = Float32Array.from({ length: HALF }, (_, i) => samples[HALF - i]!)
  return joined(front, samples)
}

function joined(a: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

const HANN = Float64Array.from(
  { length: FFT_SIZE },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT_SIZE),
)
