import type { LlamaModel, Token } from 'node-llama-cpp'
import type { TokenLogprob } from '../types.ts'

/** Text of a token behind the tokens `before`: a word is written with its blank unless it is the first of a text. */
export function tokenText(model: LlamaModel, token: number, before: readonly number[]): string {
  // The beginning token is no text that a blank could follow.
  const last = before.slice(-1).filter((one) => one !== model.tokens.bos)
  return model.detokenize([token as Token], true, last as Token[])
}

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
