import type { Constraint } from '../gguf/constraint.ts'
import type { Sampling } from '../gguf/sampling.ts'
import type { HeldSlot } from './slot-table.ts'

/** Added to a logit, it leaves no chance beside any other token. */
const FORBIDDING = -10_000
/** Marks of calls that may be special tokens of a model, which the server otherwise leaves out of the text. */
const MARK = /<[^<>\s]+>|\[[A-Z_]+\]/g

/** What a `POST /completion` is made of. */
export interface CompletionOptions {
  readonly prompt: readonly number[]
  readonly sampling: Sampling
  readonly constraint: Constraint
  readonly maxTokens: number
  /** Tokens of prompt and answer at most: penalties look at all of them. */
  readonly contextTokens: number
  /** Alternatives wanted; undefined: no log-probabilities. */
  readonly top: number | undefined
  readonly slot: Pick<HeldSlot, 'id' | 'mayReuse'>
}

/** Body of a streamed `POST /completion`: token ids in, every option named, so that no default of the server counts. */
export function completionBody(options: CompletionOptions): object {
  const { prompt, sampling, constraint, slot, top } = options
  const { grammarText, syntax, banned } = constraint
  const never = grammarText === undefined ? false : FORBIDDING
  return {
    prompt,
    stream: true,
    return_tokens: true,
    id_slot: slot.id,
    cache_prompt: slot.mayReuse,
    n_predict: options.maxTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    typical_p: 1,
    seed: sampling.seed,
    samplers: ['penalties', 'top_k', 'top_p', 'min_p', 'temperature'],
    // All that there can be: the server takes no word for it.
    repeat_last_n: options.contextTokens,
    repeat_penalty: sampling.repeatPenalty,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    logit_bias: [
      ...sampling.bias.map(([token, value]) => [token, value === 'never' ? never : value]),
      ...banned.map((token) => [token, false]),
    ],
    // Stops are looked for here, where it is known which tokens belong to them.
    stop: [],
    ...(top !== undefined && { n_probs: Math.max(1, top) }),
    ...(grammarText !== undefined && { grammar: grammarText }),
    ...(syntax && { preserved_tokens: Object.values(syntax).flatMap((text) => text.match(MARK) ?? []) }),
  }
}
