import { OUTPUT_SAMPLE_RATE } from '../limits.ts'
import { chooseCut } from './cut-point.ts'
import { judgeInHindsight, loudnessDb, NoiseFloor } from './noise-floor.ts'

/** Samples judged at once: 20 ms. */
const FRAME = 320
const FRAMES_PER_SECOND: number = OUTPUT_SAMPLE_RATE / FRAME

/** A stretch of a recording with speech in it. */
export interface SpeechSegment {
  /** First sample of the recording in this segment; divide by 16000 for seconds. */
  readonly start: number
  /** One past its last sample. */
  readonly end: number
  /** The samples from `start` to `end`, unchanged. */
  readonly samples: Float32Array
}

/** Options of {@link segmentSpeech}, in seconds. */
export interface SegmentOptions {
  /** Longest segment, 1 to 600. Default 30, what Whisper hears at once. */
  readonly maxSegmentSeconds?: number
  /** Silence that ends a segment early. Default 2. */
  readonly endPauseSeconds?: number
  /** Shortest silence that counts as a pause between words. Default 0.3. */
  readonly minPauseSeconds?: number
  /** Silence kept before and behind speech, at most a quarter of a segment. Default 0.2. */
  readonly paddingSeconds?: number
}

/**
 * Cuts a stream of mono 16 kHz samples into segments of speech, in order, without overlap, leaving out long
 * silence. A segment that grows too long is cut in its longest pause, and inside a word only when nobody
 * pauses at all. Holds one segment at a time. Judges loudness only: music counts as speech.
 *
 * @throws RangeError for options outside their bounds
 */
export async function* segmentSpeech(
  blocks: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  options: SegmentOptions = {},
): AsyncGenerator<SpeechSegment> {
  const segmenter = new Segmenter(options)
  const frame = new Float32Array(FRAME)
  let filled = 0
  for await (const block of blocks) {
    for (let at = 0; at < block.length;) {
      const part = block.subarray(at, at + FRAME - filled)
      frame.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < FRAME) continue
      filled = 0
      const segment = segmenter.push(frame)
      if (segment) yield segment
    }
  }
  yield* segmenter.finish(frame.subarray(0, filled))
}

class Segmenter {
  readonly #maxFrames: number
  readonly #endPause: number
  readonly #minPause: number
  readonly #padding: number
  readonly #floor = new NoiseFloor(FRAMES_PER_SECOND)
  readonly #samples: Float32Array
  readonly #level: Float32Array
  readonly #speech: Uint8Array
  /** Index in the recording of the first frame held. */
  #first = 0
  #count = 0

  constructor(options: SegmentOptions) {
    this.#maxFrames = toFrames(options.maxSegmentSeconds ?? 30, 1, 600)
    this.#endPause = toFrames(options.endPauseSeconds ?? 2, 0.1, 600)
    this.#minPause = toFrames(options.minPauseSeconds ?? 0.3, 0.02, 60)
    this.#padding = Math.min(toFrames(options.paddingSeconds ?? 0.2, 0, 60), Math.floor(this.#maxFrames / 4))
    this.#samples = new Float32Array(this.#maxFrames * FRAME)
    this.#level = new Float32Array(this.#maxFrames)
    this.#speech = new Uint8Array(this.#maxFrames)
  }

  /** Takes a frame; answers a segment when one is complete. */
  push(frame: Float32Array): SpeechSegment | undefined {
    this.#append(frame)
    const lastSpeech = this.#lastSpeech(this.#count)
    if (lastSpeech < 0) {
      this.#drop(this.#count - this.#padding)
    } else if (this.#count - 1 - lastSpeech >= this.#endPause) {
      return this.#take(Math.max(lastSpeech + 1, this.#count - this.#padding))
    } else if (this.#count === this.#maxFrames) {
      const frames = { count: this.#count, level: this.#level, speech: judgeInHindsight(this.#level) }
      return this.#take(chooseCut(frames, this.#minPause))
    }
    return undefined
  }

  /** Takes the last, shorter frame and answers what remains. */
  *finish(tail: Float32Array): Generator<SpeechSegment> {
    if (tail.length > 0) {
      const padded = new Float32Array(FRAME)
      padded.set(tail)
      const segment = this.push(padded)
      if (segment) yield this.#clip(segment, tail.length)
    }
    if (this.#lastSpeech(this.#count) < 0) return
    const rest = this.#take(this.#count)
    yield tail.length > 0 ? this.#clip(rest, tail.length) : rest
  }

  /** Ends a segment at a frame, and forgets the silence behind it but for the padding of the next. */
  #take(cut: number): SpeechSegment {
    const end = Math.min(cut, this.#lastSpeech(cut) + 1 + this.#padding)
    const start = this.#first * FRAME
    const samples = this.#samples.slice(0, end * FRAME)
    this.#drop(cut)
    let silence = 0
    while (silence < this.#count && this.#speech[silence] === 0) silence++
    // Silence at the very end of a segment may already be the padding of the next.
    this.#drop(silence - this.#padding)
    return { start, end: start + samples.length, samples }
  }

  /** Without the zeros that completed the last frame of the recording. */
  #clip(segment: SpeechSegment, tailLength: number): SpeechSegment {
    const total = (this.#first + this.#count - 1) * FRAME + tailLength
    if (segment.end <= total) return segment
    return { start: segment.start, end: total, samples: segment.samples.slice(0, total - segment.start) }
  }

  #append(frame: Float32Array): void {
    const level = loudnessDb(frame)
    this.#samples.set(frame, this.#count * FRAME)
    this.#level[this.#count] = level
    this.#speech[this.#count] = this.#floor.isSpeech(level) ? 1 : 0
    this.#count++
  }

  #lastSpeech(before: number): number {
    return this.#speech.subarray(0, before).lastIndexOf(1)
  }

  #drop(frames: number): void {
    if (frames <= 0) return
    this.#samples.copyWithin(0, frames * FRAME, this.#count * FRAME)
    this.#level.copyWithin(0, frames, this.#count)
    this.#speech.copyWithin(0, frames, this.#count)
    this.#first += frames
    this.#count -= frames
  }
}

function toFrames(seconds: number, min: number, max: number): number {
  if (!(seconds >= min && seconds <= max))
    throw new RangeError(`${seconds} s is not between ${min} and ${max} s`)
  return Math.round(seconds * FRAMES_PER_SECOND)
}
