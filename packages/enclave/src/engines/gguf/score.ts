import type { ControlledEvaluateInputItem, Token } from 'node-llama-cpp'
import type { TokenLogprob } from '../types.ts'
import type { Loaded } from './engine.ts'
import { promptTokens } from './prompt.ts'
import { resolveMaxTokens } from './sampling.ts'

/**
 * Natural-log probability of each token of a text given those before it. The first token of the context (the model's
 * beginning token, or else the first of the text) has none. @throws `ENGINE_INPUT`, `ENGINE_CONTEXT_OVERFLOW`
 */
export async function scoreText(loaded: Loaded, text: string, signal: AbortSignal): Promise<TokenLogprob[]> {
  const { model, context, template, vocabulary, batchTokens } = loaded
  const tokens = promptTokens(model, template, vocabulary, { prompt: text })
  resolveMaxTokens(undefined, tokens.length, context.contextSize)
  const sequence = context.getSequence()
  const scores: TokenLogprob[] = []
  try {
    for (let at = 0; at < tokens.length - 1; at += batchTokens) {
      signal.throwIfAborted()
      const end = Math.min(at + batchTokens, tokens.length - 1)
      const inputs = tokens.slice(at, end).map((token, i) => asking(token, tokens[at + i + 1]!))
      for (const [i, output] of (await sequence.controlledEvaluate(inputs)).entries()) {
        const token = tokens[at + i + 1]!
        const { logits, totalLogitWeight } = output!.next
        const highest = Math.max(...logits!.values())
        const logprob = Math.max(-9999, logits!.get(token)! - highest - Math.log(totalLogitWeight!))
        scores.push({ token, text: model.detokenize([token], true), logprob })
      }
    }
    return scores
  } finally {
    await sequence.dispose()
  }
}

/** Asks, at one place, for the logit of the token that really follows, and for what normalises it. */
function asking(token: Token, next: Token): ControlledEvaluateInputItem {
  const filter = { tokens: [next], includeTop: 1 }
  return [token, { generateNext: { logits: { filter }, totalLogitWeight: true } }]
}
