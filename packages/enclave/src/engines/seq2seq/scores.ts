/** What a masked token scores. */
export const NEVER = -Infinity

/** Below the top by this much, even a million tokens together change no digit of a single-precision result. */
const LIGHT = 32

/** Natural-log probabilities of unnormalised scores, in a new array. */
export function logSoftmax(scores: Float32Array): Float32Array {
  const shift = logSumExp(scores, 0, scores.length)
  return scores.map((score) => score - shift)
}

/** Log of the sum of exponentials of `scores[from..to)`; {@link NEVER} when there is nothing to sum. */
export function logSumExp(scores: Float32Array, from: number, to: number): number {
  let top = NEVER
  for (let i = from; i < to; i++) if (scores[i]! > top) top = scores[i]!
  if (top === NEVER) return NEVER
  let sum = 0
  for (let i = from; i < to; i++) {
    const below = scores[i]! - top
    // Most of a large vocabulary weighs nothing, and the exponential is what takes the time.
    if (below > -LIGHT) sum += Math.exp(below)
  }
  return top + Math.log(sum)
}

/** Place of the largest score, the first of equals. */
export function argmax(scores: Float32Array): number {
  let best = 0
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i
  return best
}

/** Places of the `count` largest scores, best first, earlier places first among equals. */
export function topPlaces(scores: Float32Array, count: number): number[] {
  return topOfRows([scores], [0], count).map(({ place }) => place)
}

/** A score of one of several rows. */
export interface Ranked {
  readonly row: number
  readonly place: number
  /** The score and what is added to its row, in single precision. */
  readonly score: number
}

/** The `count` largest sums of a score and what `added` gives its row, best first; earlier ones first among equals. */
export function topOfRows(rows: readonly Float32Array[], added: readonly number[], count: number): Ranked[] {
  const best: Ranked[] = []
  for (const [row, scores] of rows.entries()) {
    const more = added[row]!
    for (let place = 0; place < scores.length; place++) {
      const score = Math.fround(scores[place]! + more)
      if (best.length === count && !(score > best[count - 1]!.score)) continue
      let at = best.length
      while (at > 0 && score > best[at - 1]!.score) at--
      best.splice(at, 0, { row, place, score })
      if (best.length > count) best.pop()
    }
  }
  return best
}
