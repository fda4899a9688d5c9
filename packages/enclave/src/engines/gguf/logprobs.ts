import type { TokenLogprob } from '../types.ts'

/**
 * Natural-log probabilities of the model before temperature, from the probabilities the sampler saw. The sampler
 * scales logits by 1/temperature, so they are scaled back and normalised over the tokens that top-k, top-p and min-p
 * left; without these cuts that is the whole vocabulary.
 */
export function tokenLogprob(
  token: number,
  probabilities: ReadonlyMap<number, number>,
  temperature: number,
  top: number,
  textOf: (token: number) => string,
): TokenLogprob {
  const scale = temperature > 0 ? temperature : 1
  let sum = 0
  for (const probability of probabilities.values()) sum += probability ** scale
  const logprobOf = (probability: number): number =>
    Math.max(-9999, scale * Math.log(probability) - Math.log(sum))
  const own = { token, text: textOf(token), logprob: logprobOf(probabilities.get(token) ?? 0) }
  if (top === 0) return own
  const best = [...probabilities].toSorted((a, b) => b[1] - a[1]).slice(0, top)
  return {
    ...own,
    top: best.map(([id, probability]) => ({ token: id, text: textOf(id), logprob: logprobOf(probability) })),
  }
}
