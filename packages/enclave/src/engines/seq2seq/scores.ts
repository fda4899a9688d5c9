/** What a masked token scores. */
export const NEVER = -Infinity

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
  for (let i = from; i < to; i++) sum += Math.exp(scores[i]! - top)
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
  const best: number[] = []
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!
    if (best.length === count && !(score > scores[best[count - 1]!]!)) continue
    let at = best.length
    while (at > 0 && score > scores[best[at - 1]!]!) at--
    best.splice(at, 0, i)
    if (best.length > count) best.pop()
  }
  return best
}
