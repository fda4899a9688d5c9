import type { Token } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { GenerateRequest, TextEvent, TokenLogprob } from '../types.ts'
import type { Loaded } from './engine.ts'
import { tokenText } from './logprobs.ts'
import { scoreTokens } from './score.ts'

/**
 * The prompt as the beginning of the answer, with the log-probabilities of its tokens where they are asked for. The
 * first token of a model without a beginning token has no probability: nothing stands before it.
 *
 * @throws `ENGINE_INPUT` for a conversation, or for an answer that stands in the middle
 */
export async function echoPrompt(
  loaded: Loaded,
  { messages, suffix }: GenerateRequest,
  prompt: readonly Token[],
  top: number | undefined,
  signal: AbortSignal,
): Promise<TextEvent> {
  if (messages !== undefined || suffix !== undefined)
    throw engineError('ENGINE_INPUT', 'echo is for a prompt without a suffix')
  const { model } = loaded
  const { bos, shouldPrependBosToken } = model.tokens
  const hasBeginning = bos !== null && shouldPrependBosToken && prompt[0] === bos
  const own = hasBeginning ? prompt.slice(1) : prompt
  const text = model.detokenize(own, false)
  if (top === undefined) return { type: 'delta', text, tokens: 0 }
  const scores = await scoreTokens(loaded, prompt, top, signal)
  const first = (token: Token): TokenLogprob => ({
    token,
    text: tokenText(model, token, []),
    logprob: 0,
    isFirst: true,
  })
  const logprobs = hasBeginning ? scores : [...own.slice(0, 1).map((token) => first(token)), ...scores]
  return { type: 'delta', text, tokens: 0, logprobs }
}
