import type { ControlledEvaluateInputItem, Token } from 'node-llama-cpp'
import type { TokenLogprob } from '../types.ts'
import type { Loaded } from './engine.ts'
import { tokenText } from './logprobs.ts'
import { promptTokens } from './prompt.ts'
import { resolveMaxTokens } from './sampling.ts'

/**
 * Natural-log probability of each token of a text, or of token ids, given those before it. The first token of the context (the model's
 * beginning token, or else the first of the text) has none. @throws `ENGINE_INPUT`, `ENGINE_CONTEXT_OVERFLOW`
 */
export async function scoreText(
  loaded: Loaded,
  text: string | readonly number[],
  signal: AbortSignal,
): Promise<TokenLogprob[]> {
  const { model, context, template, vocabulary } = loaded
  const tokens = promptTokens(model, template, vocabulary, { prompt: text })
  // The last token is looked for and never evaluated: as many as the context has do fit.
  resolveMaxTokens(undefined, tokens.length - 1, context.contextSize)
  return scoreTokens(loaded, tokens, 0, signal)
}

/** The same for tokens that fit the context, with the `top` likeliest at each place. */
export async function scoreTokens(
  loaded: Loaded,
  tokens: readonly Token[],
  top: number,
  signal: AbortSignal,
): Promise<TokenLogprob[]> {
  const { model, batchTokens } = loaded
  const held = await loaded.sequences.take(tokens, undefined)
  const scores: TokenLogprob[] = []
  try {
    for (let at = 0; at < tokens.length - 1; at += batchTokens) {
      signal.throwIfAborted()
      const end = Math.min(at + batchTokens, tokens.length - 1)
      const inputs = tokens.slice(at, end).map((token, i) => asking(token, tokens[at + i + 1]!, top))
      for (const [i, output] of (await held.sequence.controlledEvaluate(inputs)).entries()) {
        const token = tokens[at + i + 1]!
        const textOf = (one: Token): string => tokenText(model, one, [tokens[at + i]!])
        const { logits, totalLogitWeight } = output!.next
        const highest = Math.max(...logits!.values())
        const logprobOf = (logit: number): number =>
          Math.max(-9999, logit - highest - Math.log(totalLogitWeight!))
        const best = [...logits!].toSorted((a, b) => b[1] - a[1]).slice(0, top)
        scores.push({
          token,
          text: textOf(token),
          logprob: logprobOf(logits!.get(token)!),
          ...(top > 0 && {
            top: best.map(([id, logit]) => ({ token: id, text: textOf(id), logprob: logprobOf(logit) })),
          }),
        })
      }
    }
    return scores
  } finally {
    await held.release('erase')
  }
}

/** Asks, at one place, for the logit of the token that really follows, and for what normalises it. */
function asking(token: Token, next: Token, top: number): ControlledEvaluateInputItem {
  const filter = { tokens: [next], includeTop: Math.max(1, top) }
  return [token, { generateNext: { logits: { filter }, totalLogitWeight: true } }]
}
