/** Loudness in dB below full scale; digital silence is -100. */
export function loudnessDb(frame: Float32Array): number {
  let sum = 0
  for (let i = 0; i < frame.length; i++) sum += frame[i]! * frame[i]!
  return 10 * Math.log10(sum / frame.length + 1e-10)
}

/** Nothing below this is speech, however quiet the room. */
const SILENCE_DB = -65

/** Default: speech stands out of the noise by at least this. Low on purpose: a lost word is worse than a noisy pause. */
export const MARGIN_DB = 8

/** Noise is the quietest the last seconds have been. */
const FLOOR_SECONDS = 10

/** Speech was as loud as the loudest of the last seconds, or would be this loud. */
const PEAK_SECONDS = 30
const EXPECTED_PEAK_DB = -25

/** Noise is believed up to this far below speech: people who talk on without a breath are not their own noise. */
const HEADROOM_DB = 20

/** Frames over which loudness is averaged before its extremes are taken: 100 ms. */
const SMOOTH_FRAMES = 5

/**
 * Decides for each frame of 20 ms whether it may hold speech, against a noise floor that follows the
 * recording. Until it has heard ten seconds the floor is that of a silent room, so a recording that
 * begins with a word does not lose it.
 */
export class NoiseFloor {
  readonly #framesPerSecond: number
  readonly #floors = Array.from({ length: FLOOR_SECONDS }, () => SILENCE_DB)
  readonly #peaks = Array.from({ length: PEAK_SECONDS }, () => EXPECTED_PEAK_DB)
  readonly #recent: number[] = []
  #frames = 0
  #floor = Infinity
  #peak = -Infinity
  readonly #marginDb: number

  /** @param marginDb how far speech stands out of the noise, at least */
  constructor(framesPerSecond: number, marginDb: number = MARGIN_DB) {
    this.#framesPerSecond = framesPerSecond
    this.#marginDb = marginDb
  }

  /** Takes the next frame's loudness into account and judges it. */
  isSpeech(db: number): boolean {
    this.#recent.push(db)
    if (this.#recent.length > SMOOTH_FRAMES) this.#recent.shift()
    if (this.#recent.length === SMOOTH_FRAMES) {
      const mean = this.#recent.reduce((sum, value) => sum + value, 0) / SMOOTH_FRAMES
      this.#floor = Math.min(this.#floor, mean)
      this.#peak = Math.max(this.#peak, mean)
    }
    if (++this.#frames % this.#framesPerSecond === 0) this.#closeSecond()
    const noise = Math.min(this.#floor, ...this.#floors)
    const speech = Math.max(EXPECTED_PEAK_DB, this.#peak, ...this.#peaks)
    return db > threshold(noise, speech, this.#marginDb)
  }

  #closeSecond(): void {
    this.#floors.shift()
    this.#floors.push(this.#floor)
    this.#peaks.shift()
    this.#peaks.push(this.#peak)
    this.#floor = Infinity
    this.#peak = -Infinity
  }
}

/**
 * Judges frames that were all heard already, by what they show themselves: 1 for those that may hold
 * speech. For choosing a pause among them; that no word is dropped is the business of the class above.
 */
export function judgeInHindsight(levels: Float32Array): Uint8Array {
  let floor = Infinity
  let peak = -Infinity
  let sum = 0
  levels.forEach((db, i) => {
    sum += db - (i >= SMOOTH_FRAMES ? levels[i - SMOOTH_FRAMES]! : 0)
    if (i + 1 < SMOOTH_FRAMES) return
    floor = Math.min(floor, sum / SMOOTH_FRAMES)
    peak = Math.max(peak, sum / SMOOTH_FRAMES)
  })
  const least = threshold(floor, peak)
  return Uint8Array.from(levels, (db) => (db > least ? 1 : 0))
}

function threshold(noiseDb: number, speechDb: number, marginDb: number = MARGIN_DB): number {
  return Math.max(SILENCE_DB, Math.min(noiseDb, speechDb - HEADROOM_DB) + marginDb)
}
