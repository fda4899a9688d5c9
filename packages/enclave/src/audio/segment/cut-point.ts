/** Loudness and verdict of consecutive frames. */
export interface JudgedFrames {
  readonly count: number
  /** dB of each frame. */
  readonly level: Float32Array
  /** 1 for frames that may hold speech. */
  readonly speech: Uint8Array
}

/** Frames averaged to find the quietest place when nobody pauses: 100 ms. */
const QUIET_FRAMES = 5

/**
 * Where to cut a run of speech that is too long: a frame index from 1 to `count`. The middle of the longest
 * pause in the last two thirds; else of the longest pause before that; else, when there is no pause of
 * `minPause` frames at all, the longest breath; else the quietest 100 ms.
 */
export function chooseCut(frames: JudgedFrames, minPause: number): number {
  const late = Math.floor(frames.count / 3)
  const pauses = findPauses(frames)
  const long = pauses.filter((pause) => pause.length >= minPause)
  const best = longest(long.filter((pause) => pause.middle >= late)) ?? longest(long) ?? longest(pauses, late)
  return best ? best.middle : quietest(frames, late)
}

interface Pause {
  readonly middle: number
  readonly length: number
}

/** Runs of frames without speech that have speech on both sides. */
function findPauses({ count, speech }: JudgedFrames): Pause[] {
  const pauses: Pause[] = []
  let start = -1
  for (let i = 0; i < count; i++) {
    if (speech[i] === 0) continue
    // Frames before the first speech are no pause: cutting there cuts nothing.
    if (start >= 0 && i > start) pauses.push({ middle: Math.ceil((start + i) / 2), length: i - start })
    start = i + 1
  }
  if (start >= 0 && start < count)
    pauses.push({ middle: Math.ceil((start + count) / 2), length: count - start })
  return pauses
}

/** The longest; among equals the last, so that segments are long. */
function longest(pauses: readonly Pause[], from: number = 0): Pause | undefined {
  let best: Pause | undefined
  for (const pause of pauses) {
    if (pause.middle >= from && pause.length >= (best?.length ?? 0)) best = pause
  }
  return best
}

function quietest({ count, level }: JudgedFrames, from: number): number {
  let best = count
  let lowest = Infinity
  for (let i = Math.max(1, from); i + QUIET_FRAMES <= count; i++) {
    let sum = 0
    for (let j = 0; j < QUIET_FRAMES; j++) sum += level[i + j]!
    if (sum <= lowest) {
      lowest = sum
      best = i + Math.floor(QUIET_FRAMES / 2)
    }
  }
  return best
}
