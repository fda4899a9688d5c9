import type { Pick } from './generate.ts'
import { argmax, logSumExp, NEVER, topPlaces } from './scores.ts'

/** How tokens are drawn; the meanings of `SamplingParams`. */
export interface DrawOptions {
  /** 0 is greedy. */
  readonly temperature: number
  readonly topP?: number
  readonly topK?: number
  readonly minP?: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Draws from the scores after temperature, top-k, nucleus and min-p, in the order of transformers. */
export function drawWith({ temperature, topP = 1, topK = 0, minP = 0, random }: DrawOptions): Pick {
  if (temperature === 0) return argmax
  return (raw) => {
    const scores = raw.map((score) => score / temperature)
    if (topK > 0 && topK < scores.length) keepOnly(scores, topPlaces(scores, topK))
    if (topP < 1) keepNucleus(scores, topP)
    if (minP > 0) {
      const floor = scores[argmax(scores)]! + Math.log(minP)
      for (let i = 0; i < scores.length; i++) if (scores[i]! < floor) scores[i] = NEVER
    }
    return draw(scores, random())
  }
}

/** The token at this quantile of the distribution. */
function draw(scores: Float32Array, quantile: number): number {
  const total = logSumExp(scores, 0, scores.length)
  let left = quantile
  let last = 0
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] === NEVER) continue
    last = i
    left -= Math.exp(scores[i]! - total)
    if (left < 0) return i
  }
  return last
}

/** Keeps the fewest likeliest tokens whose probabilities reach `share`. */
function keepNucleus(scores: Float32Array, share: number): void {
  const total = logSumExp(scores, 0, scores.length)
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b)
  let sum = 0
  const kept = order.filter((i) => {
    const before = sum
    sum += Math.exp(scores[i]! - total)
    return before < share
  })
  keepOnly(scores, [...kept])
}

function keepOnly(scores: Float32Array, places: readonly number[]): void {
  const values = places.map((i) => scores[i]!)
  scores.fill(NEVER)
  for (const [i, place] of places.entries()) scores[place] = values[i]!
}

/** A small seeded generator (mulberry32): the same seed gives the same draws everywhere. Not for secrets. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
