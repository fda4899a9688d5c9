/** Loudness in dB below full scale; digital silence is -100. */
export function loudnessDb(frame: Float32Array): number {
  let sum = 0
  for (let i = 0; i < frame.length; i++) sum += frame[i]! * frame[i]!
  return 10 * Math.log10(sum / frame.length + 1e-10)
}

/** Nothing below this is speech, however quiet the room. */
const SILENCE_DB = -65

/** Speech stands out of the noise by at least this. Low on purpose: a lost word is worse than a noisy pause. */
const MARGIN_DB = 8

/** Noise is the quietest the last seconds have been. */
const MEMORY_SECONDS = 10

/** Frames over which loudness is averaged before its minimum is taken: 100 ms. */
const SMOOTH_FRAMES = 5

/**
 * Decides for each frame of 20 ms whether it may hold speech, against a noise floor that follows the
 * recording. Until it has heard ten seconds the floor is that of a silent room, so a recording that
 * begins with a word does not lose it.
 */
export class NoiseFloor {
  readonly #minima = Array.from({ length: MEMORY_SECONDS }, () => SILENCE_DB)
  readonly #recent: number[] = []
  readonly #framesPerSecond: number
  #minimum = Infinity
  #frames = 0

  constructor(framesPerSecond: number) {
    this.#framesPerSecond = framesPerSecond
  }

  /** Takes the next frame's loudness into account and judges it. */
  isSpeech(db: number): boolean {
    this.#recent.push(db)
    if (this.#recent.length > SMOOTH_FRAMES) this.#recent.shift()
    if (this.#recent.length === SMOOTH_FRAMES) {
      const mean = this.#recent.reduce((sum, value) => sum + value, 0) / SMOOTH_FRAMES
      this.#minimum = Math.min(this.#minimum, mean)
    }
    if (++this.#frames % this.#framesPerSecond === 0) {
      this.#minima.shift()
      this.#minima.push(this.#minimum)
      this.#minimum = Infinity
    }
    return db > Math.max(SILENCE_DB, Math.min(this.#minimum, ...this.#minima) + MARGIN_DB)
  }
}
