import { bestColumn, frameAt, joinFrames, type Logits, sliceFrames } from './logits.ts'

/** Frames of silence on either side beyond which a seam is not better. */
const ENOUGH_BLANKS = 6

/** Where two windows that heard the same are joined: a frame of each. */
export interface Seam {
  readonly first: number
  readonly second: number
}

/**
 * The best frame to go from one window to the next within what both heard. A spoken character is one spike that two
 * windows may place a frame apart: at a seam beside it it would be lost or doubled. So the seam lies where both are
 * surest of the blank for the longest time around, as near to `at` as there is such a place.
 *
 * @param at seconds; `reach` seconds before and behind it are looked at
 */
export function chooseSeam(first: Logits, second: Logits, at: number, reach: number, blank: number): Seam {
  const inFirst = blankRuns(first, frameAt(first, at - reach), frameAt(first, at + reach), blank)
  const from = frameAt(second, at - reach)
  const inSecond = blankRuns(second, from, frameAt(second, at + reach), blank)
  let best = { first: frameAt(first, at), second: frameAt(second, at) }
  let most = 0
  let nearest = Infinity
  for (const [frame, blanks] of inFirst) {
    const time = first.start + frame * first.secondsPerFrame
    const other = frameAt(second, time)
    const both = Math.min(blanks, inSecond.get(other) ?? 0)
    const distance = Math.abs(time - at)
    if (both > most || (both === most && both > 0 && distance < nearest)) {
      most = both
      nearest = distance
      best = { first: frame, second: other }
    }
  }
  return best
}

/** For each frame from `from` to `to` that is blank: how far the nearest one lies that is not, at most {@link ENOUGH_BLANKS}. */
function blankRuns(logits: Logits, from: number, to: number, blank: number): Map<number, number> {
  const runs = new Map<number, number>()
  let run = 0
  for (let frame = from; frame < to; frame++) {
    run = bestColumn(logits, frame) === blank ? Math.min(ENOUGH_BLANKS, run + 1) : 0
    runs.set(frame, run)
  }
  run = 0
  for (let frame = to - 1; frame >= from; frame--) {
    run = runs.get(frame) === 0 ? 0 : Math.min(ENOUGH_BLANKS, run + 1)
    runs.set(frame, Math.min(run, runs.get(frame)!))
  }
  return runs
}

/** What a window adds. */
export interface Window {
  readonly logits: Logits
  /** Seconds at which what is new in it begins and ends; the rest overlaps with its neighbours. */
  readonly start: number
  readonly end: number
  /** Another window follows without a pause. */
  readonly joinsNext: boolean
}

/** Frames whose words are complete. */
export interface Finished {
  readonly logits: Logits
  /** False where a word may go on in the next ones. */
  readonly isAtWordEnd: boolean
}

/**
 * Joins windows over a run of speech that is longer than one of them, so that a word at a seam is neither lost nor
 * doubled, and passes on what is complete as soon as it is: up to the last gap between words that no later window can
 * change. Holds at most about two windows.
 */
export class Stitcher {
  readonly #blank: number
  readonly #delimiter: number | undefined
  readonly #contextSeconds: number
  #held: Logits | undefined
  #heldUntil = 0
  #windowSeconds = 0

  constructor(blank: number, delimiter: number | undefined, contextSeconds: number) {
    this.#blank = blank
    this.#delimiter = delimiter
    this.#contextSeconds = contextSeconds
  }

  push(window: Window): Finished | undefined {
    const logits = this.#join(window)
    if (!window.joinsNext) {
      this.#held = undefined
      return { logits, isAtWordEnd: true }
    }
    this.#heldUntil = window.end
    this.#windowSeconds = Math.max(this.#windowSeconds, window.end - window.start)
    // The seam to the next window lies at most half of what both hear before its end.
    const limit = frameAt(logits, window.end - this.#contextSeconds / 2)
    const gap = this.#lastGap(logits, limit)
    // Somebody who never parts words: not everything can be kept until they do.
    const cut = gap ?? (logits.frames * logits.secondsPerFrame > 2 * this.#windowSeconds ? limit : 0)
    this.#held = sliceFrames(logits, cut, logits.frames)
    return cut === 0 ? undefined : { logits: sliceFrames(logits, 0, cut), isAtWordEnd: gap !== undefined }
  }

  #join({ logits }: Window): Logits {
    if (!this.#held) return logits
    const seam = chooseSeam(this.#held, logits, this.#heldUntil, this.#contextSeconds / 2, this.#blank)
    return joinFrames(sliceFrames(this.#held, 0, seam.first), sliceFrames(logits, seam.second, logits.frames))
  }

  /** One past the last frame before `limit` that parts two words. */
  #lastGap(logits: Logits, limit: number): number | undefined {
    if (this.#delimiter === undefined) return undefined
    for (let frame = limit - 1; frame > 0; frame--)
      if (bestColumn(logits, frame) === this.#delimiter) return frame + 1
    return undefined
  }
}
