import { OUTPUT_SAMPLE_RATE } from '../limits.ts'
import { chooseCut } from './cut-point.ts'
import { judgeInHindsight, loudnessDb, MARGIN_DB, NoiseFloor } from './noise-floor.ts'

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
  /** What comes right before and behind, where this was cut although nobody paused; else empty. */
  readonly lead: Float32Array
  readonly tail: Float32Array
  /** The next segment goes on where this one ends, maybe inside a word. */
  readonly joinsNext: boolean
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
  /** Samples that segments show of each other where nobody paused, at most a quarter of a segment. Default 0. */
  readonly contextSeconds?: number
  /** How far speech stands out of the noise, 0 to 40 dB. Default 8. */
  readonly marginDb?: number
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
  readonly #context: number
  readonly #floor: NoiseFloor
  readonly #samples: Float32Array
  readonly #level: Float32Array
  readonly #speech: Uint8Array
  /** Index in the recording of the first frame held. */
  #first = 0
  #count = 0
  /** Frames at the front that belong to the segment before. */
  #lead = 0

  constructor(options: SegmentOptions) {
    this.#maxFrames = toFrames(options.maxSegmentSeconds ?? 30, 1, 600)
    this.#endPause = toFrames(options.endPauseSeconds ?? 2, 0.1, 600)
    this.#minPause = toFrames(options.minPauseSeconds ?? 0.3, 0.02, 60)
    this.#padding = Math.min(toFrames(options.paddingSeconds ?? 0.2, 0, 60), Math.floor(this.#maxFrames / 4))
    this.#context = Math.min(toFrames(options.contextSeconds ?? 0, 0, 60), Math.floor(this.#maxFrames / 4))
    const margin = options.marginDb ?? MARGIN_DB
    if (!(margin >= 0 && margin <= 40)) throw new RangeError(`${margin} dB is not between 0 and 40 dB`)
    this.#floor = new NoiseFloor(FRAMES_PER_SECOND, margin)
    this.#samples = new Float32Array(this.#maxFrames * FRAME)
    this.#level = new Float32Array(this.#maxFrames)
    this.#speech = new Uint8Array(this.#maxFrames)
  }

  /** Takes a frame; answers a segment when one is complete. */
  push(frame: Float32Array): SpeechSegment | undefined {
    this.#append(frame)
    const lastSpeech = this.#lastSpeech(this.#count)
    if (lastSpeech < 0 && this.#lead === 0) {
      this.#drop(this.#count - this.#padding)
    } else if (this.#count - 1 - lastSpeech >= this.#endPause) {
      return this.#take(Math.max(lastSpeech + 1, this.#count - this.#padding))
    } else if (this.#count === this.#maxFrames) return this.#cutFull()
    return undefined
  }

  /** Cuts a run of speech that fills the buffer. */
  #cutFull(): SpeechSegment {
    const level = this.#level.subarray(this.#lead)
    const frames = { count: level.length, level, speech: judgeInHindsight(level) }
    const cut = chooseCut(frames, this.#minPause)
    const isPause = this.#context === 0 || pauseAround(frames.speech, cut) >= this.#minPause
    return isPause ? this.#take(this.#lead + cut) : this.#takeJoined(this.#lead + cut)
  }

  /** Takes the last, shorter frame and answers what remains. */
  *finish(tail: Float32Array): Generator<SpeechSegment> {
    if (tail.length > 0) {
      const padded = new Float32Array(FRAME)
      padded.set(tail)
      const segment = this.push(padded)
      if (segment) yield this.#clip(segment, tail.length)
    }
    if (this.#lead === 0 && this.#lastSpeech(this.#count) < 0) return
    const rest = this.#take(this.#count)
    yield tail.length > 0 ? this.#clip(rest, tail.length) : rest
  }

  /** Ends a segment at a frame, and forgets the silence behind it but for the padding of the next. */
  #take(cut: number): SpeechSegment {
    const end = Math.max(this.#lead, Math.min(cut, this.#lastSpeech(cut) + 1 + this.#padding))
    const segment = this.#segment(end, end)
    this.#lead = 0
    this.#drop(cut)
    let silence = 0
    while (silence < this.#count && this.#speech[silence] === 0) silence++
    // Silence at the very end of a segment may already be the padding of the next.
    this.#drop(silence - this.#padding)
    return segment
  }

  /** Ends a segment inside speech: both sides see some of each other. */
  #takeJoined(cut: number): SpeechSegment {
    const segment = this.#segment(cut, Math.min(this.#count, cut + this.#context))
    const kept = Math.min(cut, this.#context)
    this.#drop(cut - kept)
    this.#lead = kept
    return { ...segment, joinsNext: true }
  }

  /** The frames from behind the lead to `end`, and those up to `seen` as its tail. */
  #segment(end: number, seen: number): SpeechSegment {
    const at = (frame: number): number => frame * FRAME
    return {
      start: at(this.#first + this.#lead),
      end: at(this.#first + end),
      samples: this.#samples.slice(at(this.#lead), at(end)),
      lead: this.#samples.slice(0, at(this.#lead)),
      tail: this.#samples.slice(at(end), at(seen)),
      joinsNext: false,
    }
  }

  /** Without the zeros that completed the last frame of the recording. */
  #clip(segment: SpeechSegment, tailLength: number): SpeechSegment {
    const total = (this.#first + this.#count - 1) * FRAME + tailLength
    if (segment.end <= total) return segment
    const end = Math.max(segment.start, total)
    return { ...segment, end, samples: segment.samples.slice(0, end - segment.start) }
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

/** Frames without speech around a place. */
function pauseAround(speech: Uint8Array, place: number): number {
  let from = place
  let to = place
  while (from > 0 && speech[from - 1] === 0) from--
  while (to < speech.length && speech[to] === 0) to++
  return to - from
}

function toFrames(seconds: number, min: number, max: number): number {
  if (!(seconds >= min && seconds <= max))
    throw new RangeError(`${seconds} s is not between ${min} and ${max} s`)
  return Math.round(seconds * FRAMES_PER_SECOND)
}
