import type { Token } from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import { Answer } from '../gguf/answer.ts'
import { constraintFor } from '../gguf/constraint.ts'
import { promptTokens } from '../gguf/prompt.ts'
import { resolveLogprobs, resolveMaxTokens, resolveSampling } from '../gguf/sampling.ts'
import type { GenerateRequest, TextEvent, TokenLogprob } from '../types.ts'
import { decodeCompletionEvent, type TokenProbability } from './completion-event.ts'
import { completionBody } from './completion-request.ts'
import type { Loaded } from './engine.ts'

/**
 * Answers one request in a slot of its own. The server starts it from nothing, unless it has the salt of what the slot
 * holds. Leaving early hangs up, and the server stops.
 *
 * @throws `ENGINE_INPUT`, `ENGINE_UNSUPPORTED`, `ENGINE_CONTEXT_OVERFLOW`, those of `ServerClient`; whatever aborted `signal`
 */
export async function* generateText(
  loaded: Loaded,
  request: GenerateRequest,
  signal: AbortSignal,
  drawSeed: () => number,
): AsyncGenerator<TextEvent, void> {
  const { words, server, slots, contextTokens } = loaded
  const { model, vocabulary } = words
  if (request.echo === true) throw engineError('ENGINE_UNSUPPORTED', 'echo is not offered by this engine')
  const sampling = resolveSampling(request.sampling, vocabulary, drawSeed)
  const top = resolveLogprobs(request.logprobs)
  const constraint = constraintFor(words, request)
  const prompt = promptTokens(model, words.template, vocabulary, request)
  const maxTokens = resolveMaxTokens(request.maxTokens, prompt.length, contextTokens)
  const answer = new Answer(words, prompt, constraint)
  const slot = slots.take(request.cacheSalt)
  let outcome: 'erase' | 'keep' = 'erase'
  try {
    const body = completionBody({ prompt, sampling, constraint, maxTokens, contextTokens, top, slot })
    let evaluated = prompt.length
    let total = 0
    let hasEnded = false
    for await (const value of server.events({ route: 'POST /completion', body, signal })) {
      signal.throwIfAborted()
      const event = decodeCompletionEvent(value, vocabulary)
      if (event.type === 'end') {
        if (event.reason === 'none') throw engineError('ENGINE_PROTOCOL', 'the answer ends without a reason')
        hasEnded = true
        ;({ evaluated } = event)
        if (event.reason === 'limit') answer.reachLimit()
        outcome = 'keep'
        break
      }
      // It is counted, and it is no text.
      if (event.token !== undefined && model.isEogToken(event.token as Token)) continue
      const logprob = event.probabilities && tokenLogprob(event.probabilities, top ?? 0, answer.textOf)
      // The server does not know that a text of some vocabularies begins without the blank of its first word.
      const isBlank = event.total === 1 && event.token !== undefined && event.text.startsWith(' ')
      const isWithout = isBlank && answer.textOf(event.token) === event.text.slice(1)
      const text = isWithout ? event.text.slice(1) : event.text
      yield* answer.pushPiece(text, event.total - total, logprob)
      total = event.total
      if (answer.stopped) break
    }
    signal.throwIfAborted()
    // A part must never end like a whole.
    if (!hasEnded && !answer.stopped) throw engineError('ENGINE_PROTOCOL', 'the answer was cut')
    yield* answer.flush()
    const usage = {
      inputTokens: prompt.length,
      outputTokens: total,
      ...(request.cacheSalt !== undefined && { cachedInputTokens: Math.max(0, prompt.length - evaluated) }),
    }
    yield { type: 'done', finishReason: answer.finishReason, usage }
  } finally {
    slot.release(outcome)
  }
}

function tokenLogprob(
  { token, logprob, top }: TokenProbability,
  wanted: number,
  textOf: (token: number) => string,
): TokenLogprob {
  const own = { token, text: textOf(token), logprob }
  if (wanted === 0) return own
  return { ...own, top: top.slice(0, wanted).map((one) => ({ ...one, text: textOf(one.token) })) }
}
