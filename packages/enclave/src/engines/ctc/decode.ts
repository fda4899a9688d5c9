import { alignTokens } from './align.ts'
import type { BeamSearch } from './beam-search.ts'
import { type CtcToken, decodeGreedy, logSoftmaxAt } from './greedy.ts'

/** Tokens of a stretch of speech: by the network alone, or by `search` with a language model of words. */
export function decode(
  search: BeamSearch | undefined,
  logits: Float32Array,
  frames: number,
  width: number,
  blank: number,
): CtcToken[] {
  const greedy = decodeGreedy(logits, frames, width, blank)
  // Where the network hears nothing, a language model must not begin to talk.
  if (search === undefined || greedy.length === 0) return greedy
  const logprobs = normalised(logits, frames, width)
  return alignTokens(logprobs, frames, width, blank, search.decode(logprobs, frames, width)) ?? greedy
}

function normalised(logits: Float32Array, frames: number, width: number): Float32Array {
  const logprobs = new Float32Array(frames * width)
  for (let frame = 0; frame < frames; frame++) {
    const row = logits.subarray(frame * width, (frame + 1) * width)
    const shift = logSoftmaxAt(row, 0) - row[0]!
    for (let column = 0; column < width; column++) logprobs[frame * width + column] = row[column]! + shift
  }
  return logprobs
}
