import { unsupported } from './errors.ts'

/** Rate of every decoded block, in Hz: what all speech models here were trained on. */
export const OUTPUT_SAMPLE_RATE = 16_000

/** Default `maxBytes`: an uncompressed day of dictation does not fit, an hour of CD-quality stereo does. */
const MAX_AUDIO_BYTES = 1024 * 1024 * 1024

/** Default `maxSeconds`: a few hundred bytes of FLAC or Opus silence can claim hours, so bytes alone bound nothing. */
const MAX_AUDIO_SECONDS = 4 * 3600

/** Default `maxChannels`: no recorder that people dictate into has more. */
const MAX_AUDIO_CHANNELS = 32

/** Lowest accepted rate in Hz; below it there is no speech left. */
export const MIN_SAMPLE_RATE = 1000

/** Highest accepted rate in Hz; the resampler's table and work grow with it. */
export const MAX_SAMPLE_RATE = 192_000

/** What a recording may cost. All values are inclusive upper bounds. */
export interface AudioLimits {
  /** Bytes of the file. */
  readonly maxBytes: number
  /** Seconds of sound after decoding. */
  readonly maxSeconds: number
  readonly maxChannels: number
}

/** Fills in the defaults. @throws RangeError for a limit that is not a positive number (a mistake of the caller) */
export function resolveLimits(limits: Partial<AudioLimits>): AudioLimits {
  const resolved = {
    maxBytes: limits.maxBytes ?? MAX_AUDIO_BYTES,
    maxSeconds: limits.maxSeconds ?? MAX_AUDIO_SECONDS,
    maxChannels: limits.maxChannels ?? MAX_AUDIO_CHANNELS,
  }
  for (const [name, value] of Object.entries(resolved)) {
    if (!(value > 0)) throw new RangeError(`${name} must be a positive number`)
  }
  return resolved
}

/** Refuses rates and channel counts outside the limits; both come from the file. @throws `AUDIO_UNSUPPORTED` */
export function checkShape(sampleRate: number, channels: number, limits: AudioLimits): void {
  if (!(sampleRate >= MIN_SAMPLE_RATE && sampleRate <= MAX_SAMPLE_RATE)) {
    throw unsupported(
      `a sample rate of ${sampleRate} Hz`,
      `use a rate from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`,
    )
  }
  if (!(channels >= 1 && channels <= limits.maxChannels)) {
    throw unsupported(`a file of ${channels} channels`, `use 1 to ${limits.maxChannels} channels`)
  }
}
