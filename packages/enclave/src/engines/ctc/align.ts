import type { CtcToken } from './greedy.ts'

/**
 * When each token is said: the likeliest path of the network that reads these tokens (Viterbi over the tokens with a
 * blank before, between and behind). Frames of a token are those the path spends on it, its log-probability that of
 * its surest one. `logprobs` is row-major `[frames, width]`, normalised. Undefined where the frames are too few.
 */
export function alignTokens(
  logprobs: Float32Array,
  frames: number,
  width: number,
  blank: number,
  tokens: readonly number[],
): CtcToken[] | undefined {
  if (tokens.length === 0) return []
  const states = 2 * tokens.length + 1
  const columnOf = (state: number): number => (state % 2 === 0 ? blank : tokens[state >> 1]!)
  /** How many states back the best path came from. */
  const steps = new Uint8Array(frames * states)
  let scores = new Float64Array(states).fill(-Infinity)
  for (let frame = 0; frame < frames; frame++) {
    const next = new Float64Array(states).fill(-Infinity)
    for (let state = 0; state < states; state++) {
      let [step, best] = [0, frame === 0 ? (state <= 1 ? 0 : -Infinity) : scores[state]!]
      if (frame > 0 && state >= 1 && scores[state - 1]! > best) [step, best] = [1, scores[state - 1]!]
      const maySkip = state % 2 === 1 && state >= 3 && columnOf(state) !== columnOf(state - 2)
      if (frame > 0 && maySkip && scores[state - 2]! > best) [step, best] = [2, scores[state - 2]!]
      next[state] = best + logprobs[frame * width + columnOf(state)]!
      steps[frame * states + state] = step
    }
    scores = next
  }
  let state = scores[states - 1]! > scores[states - 2]! ? states - 1 : states - 2
  if (frames === 0 || scores[state] === -Infinity) return undefined
  const found: { id: number; from: number; to: number; logprob: number }[] = tokens.map((id) => ({
    id,
    from: frames,
    to: 0,
    logprob: -Infinity,
  }))
  for (let frame = frames - 1; frame >= 0; frame--) {
    if (state % 2 === 1) {
      const token = found[state >> 1]!
      token.from = frame
      token.to = Math.max(token.to, frame + 1)
      token.logprob = Math.max(token.logprob, logprobs[frame * width + token.id]!)
    }
    state -= steps[frame * states + state]!
  }
  return found
}
