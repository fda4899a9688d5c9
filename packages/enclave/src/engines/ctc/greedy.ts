/** One token of the best path: repeated columns merged, blanks left out. */
export interface CtcToken {
  readonly id: number
  /** First frame, and one past the last. */
  readonly from: number
  readonly to: number
  /** Natural-log probability at its surest frame. */
  readonly logprob: number
}

/**
 * Greedy CTC decoding (Graves et al. 2006, best path): the likeliest column of each frame, repetitions merged,
 * then blanks dropped. `logits` is row-major `[frames, width]`, normalised here.
 */
export function decodeGreedy(logits: Float32Array, frames: number, width: number, blank: number): CtcToken[] {
  const tokens: CtcToken[] = []
  let previous = blank
  for (let frame = 0; frame < frames; frame++) {
    const row = logits.subarray(frame * width, (frame + 1) * width)
    const id = argmax(row)
    if (id !== blank) {
      const logprob = logSoftmaxAt(row, id)
      const last = tokens.at(-1)
      if (id === previous && last)
        tokens[tokens.length - 1] = { ...last, to: frame + 1, logprob: Math.max(last.logprob, logprob) }
      else tokens.push({ id, from: frame, to: frame + 1, logprob })
    }
    previous = id
  }
  return tokens
}

/**
 * Probability that the model writes nothing at all: of all paths, only blanks in every frame do (Graves et al.
 * 2006, Section 3). CTC has no class for silence; this is what it says about it.
 */
export function silenceProbability(
  logits: Float32Array,
  frames: number,
  width: number,
  blank: number,
): number {
  let logprob = 0
  for (let frame = 0; frame < frames; frame++)
    logprob += logSoftmaxAt(logits.subarray(frame * width, (frame + 1) * width), blank)
  return Math.exp(logprob)
}

/** Natural-log probability of a column. */
export function logSoftmaxAt(row: Float32Array, id: number): number {
  let highest = -Infinity
  for (const value of row) if (value > highest) highest = value
  let sum = 0
  for (const value of row) sum += Math.exp(value - highest)
  return row[id]! - highest - Math.log(sum)
}

function argmax(row: Float32Array): number {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i
  return best
}
