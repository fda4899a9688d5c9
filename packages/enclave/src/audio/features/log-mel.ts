import { OUTPUT_SAMPLE_RATE } from '../limits.ts'
import { createMelFilters, type MelFilter } from './mel-filters.ts'
import { createPowerSpectrum, type PowerSpectrum } from './real-fft.ts'

/** Samples per transform: 25 ms. */
const FFT_SIZE = 400

/** Samples from frame to frame: 10 ms. */
const HOP = 160

/** Samples Whisper looks at in one pass: 30 s. */
export const WHISPER_SAMPLES: number = 30 * OUTPUT_SAMPLE_RATE

/** Frames of one pass. */
export const WHISPER_FRAMES: number = WHISPER_SAMPLES / HOP

/** Power below which everything counts as silence. */
const FLOOR = 1e-10

/** Features of one pass, row by row: `data[mel * frames + frame]`. */
export interface LogMel {
  readonly data: Float32Array
  readonly mels: number
  readonly frames: number
}

interface Bank {
  readonly filters: readonly MelFilter[]
  readonly spectrum: PowerSpectrum
}

const banks = new Map<number, Bank>()
const hann = Float64Array.from(
  { length: FFT_SIZE },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT_SIZE),
)

/**
 * Log-mel spectrogram exactly as Whisper was trained on (openai/whisper `log_mel_spectrogram`, Hugging Face
 * `WhisperFeatureExtractor`): padded with silence to 30 s, centred Hann frames with reflected ends, power,
 * Slaney mel filters, log10, at most 8 below the loudest, then (x + 4) / 4.
 *
 * @param samples mono at 16 kHz, at most {@link WHISPER_SAMPLES}
 * @param mels 80, or 128 for large-v3 and its descendants
 * @throws RangeError for more samples than one pass holds
 */
export function logMelSpectrogram(samples: Float32Array, mels: 80 | 128 = 80): LogMel {
  if (samples.length > WHISPER_SAMPLES) throw new RangeError(`one pass holds ${WHISPER_SAMPLES} samples`)
  const { filters, spectrum } = bankOf(mels)
  const data = new Float32Array(mels * WHISPER_FRAMES).fill(Math.log10(FLOOR))
  const padded = padded30s(samples)
  // Frames that begin behind the sound see silence only.
  const heard = Math.min(WHISPER_FRAMES, Math.ceil((samples.length + FFT_SIZE / 2) / HOP))
  const frame = new Float64Array(FFT_SIZE)
  const power = new Float64Array(FFT_SIZE / 2 + 1)
  let loudest = Math.log10(FLOOR)
  for (let t = 0; t < heard; t++) {
    for (let i = 0, at = t * HOP; i < FFT_SIZE; i++, at++) frame[i] = padded[at]! * hann[i]!
    spectrum.compute(frame, power)
    for (let m = 0; m < mels; m++) {
      const level = Math.log10(Math.max(FLOOR, weigh(filters[m]!, power)))
      if (level > loudest) loudest = level
      data[m * WHISPER_FRAMES + t] = level
    }
  }
  const lowest = loudest - 8
  for (let i = 0; i < data.length; i++) data[i] = (Math.max(data[i]!, lowest) + 4) / 4
  return { data, mels, frames: WHISPER_FRAMES }
}

function weigh({ firstBin, weights }: MelFilter, power: Float64Array): number {
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * power[firstBin + i]!
  return sum
}

/** 30 s of sound and silence, with half a frame reflected at both ends. */
function padded30s(samples: Float32Array): Float32Array {
  const edge = FFT_SIZE / 2
  const padded = new Float32Array(WHISPER_SAMPLES + 2 * edge)
  padded.set(samples, edge)
  const end = edge + WHISPER_SAMPLES - 1
  for (let i = 1; i <= edge; i++) {
    padded[edge - i] = padded[edge + i]!
    padded[end + i] = padded[end - i]!
  }
  return padded
}

function bankOf(mels: number): Bank {
  let bank = banks.get(mels)
  if (!bank) {
    bank = {
      filters: createMelFilters(mels, FFT_SIZE, OUTPUT_SAMPLE_RATE),
      spectrum: createPowerSpectrum(FFT_SIZE),
    }
    banks.set(mels, bank)
  }
  return bank
}
