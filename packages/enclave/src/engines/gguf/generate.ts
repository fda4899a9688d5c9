import {
  type LlamaContextSequence,
  type SequenceEvaluateOptions,
  type Token,
  TokenBias,
  type TokenMeterState,
} from 'node-llama-cpp'
import type { GenerateRequest, TextEvent } from '../types.ts'
import { Answer } from './answer.ts'
import { type Constraint, constraintFor } from './constraint.ts'
import { echoPrompt } from './echo.ts'
import type { Loaded } from './engine.ts'
import { tokenLogprob } from './logprobs.ts'
import { promptTokens } from './prompt.ts'
import { resolveLogprobs, resolveMaxTokens, resolveSampling, type Sampling } from './sampling.ts'

/** Added to a logit, it leaves no chance beside any other token. */
const FORBIDDING = -10_000

/**
 * Answers one request in a sequence of its own: nothing of another request is in its context, because it starts
 * empty, no prefix is looked up, and it is erased at the end. Only a salt of the client changes that: see `sequences.ts`.
 *
 * @throws `ENGINE_INPUT`, `ENGINE_CONTEXT_OVERFLOW`; whatever aborted `signal`
 */
export async function* generateText(
  loaded: Loaded,
  request: GenerateRequest,
  signal: AbortSignal,
  drawSeed: () => number,
): AsyncGenerator<TextEvent, void> {
  const { model, context, template } = loaded
  const sampling = resolveSampling(request.sampling, loaded.vocabulary, drawSeed)
  const top = resolveLogprobs(request.logprobs)
  const constraint = constraintFor(loaded, request)
  const prompt = promptTokens(model, template, loaded.vocabulary, request)
  const maxTokens = resolveMaxTokens(request.maxTokens, prompt.length, context.contextSize)
  const answer = new Answer(loaded, prompt, constraint)
  if (request.echo === true) yield await echoPrompt(loaded, request, prompt, top, signal)
  const held = await loaded.sequences.take(prompt, request.cacheSalt)
  const { sequence } = held
  let outcome: 'erase' | 'keep' = 'erase'
  try {
    const meter = sequence.tokenMeter.getState()
    let cached = held.evaluated
    const last = await evaluatePrompt(sequence, prompt.slice(held.evaluated), loaded.batchTokens, signal)
    const options = evaluateOptions(loaded, sampling, answer.tokens, constraint)
    for await (const next of sequence.evaluateWithMetadata(
      last,
      { probabilities: top !== undefined },
      options,
    )) {
      signal.throwIfAborted()
      // What llama.cpp says it evaluated, not what we believe it did.
      if (answer.tokens.length === 0) cached = prompt.length - evaluatedSince(sequence, meter)
      const logprob =
        top === undefined || !('probabilities' in next)
          ? undefined
          : tokenLogprob(
              next.token,
              next.probabilities as Map<Token, number>,
              sampling.temperature,
              top,
              answer.textOf,
            )
      yield* answer.push(next.token, logprob)
      if (answer.stopped) break
      if (answer.tokens.length >= maxTokens) {
        answer.reachLimit()
        break
      }
    }
    signal.throwIfAborted()
    yield* answer.flush()
    outcome = 'keep'
    const usage = {
      inputTokens: prompt.length,
      outputTokens: answer.tokens.length,
      ...(request.cacheSalt !== undefined && { cachedInputTokens: cached }),
    }
    yield { type: 'done', finishReason: answer.finishReason, usage }
  } finally {
    await held.release(outcome)
  }
}

function evaluatedSince({ tokenMeter }: LlamaContextSequence, before: TokenMeterState): number {
  const { usedInputTokens, usedOutputTokens } = tokenMeter.diff(before)
  return usedInputTokens + usedOutputTokens
}

/** Evaluates all but the last part of a prompt, looking at the signal in between; answers the last part. */
async function evaluatePrompt(
  sequence: LlamaContextSequence,
  prompt: Token[],
  batch: number,
  signal: AbortSignal,
): Promise<Token[]> {
  let at = 0
  for (; prompt.length - at > batch; at += batch) {
    signal.throwIfAborted()
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(at, at + batch))
  }
  signal.throwIfAborted()
  return prompt.slice(at)
}

function evaluateOptions(
  loaded: Loaded,
  sampling: Sampling,
  tokens: readonly Token[],
  { grammar, banned }: Constraint,
): SequenceEvaluateOptions {
  const { temperature, topP, topK, minP, seed } = sampling
  const options: SequenceEvaluateOptions = { temperature, topP, topK, minP, seed }
  if (sampling.frequencyPenalty !== 0 || sampling.presencePenalty !== 0 || sampling.repeatPenalty !== 1) {
    options.repeatPenalty = {
      punishTokens: () => [...tokens],
      maxPunishTokens: loaded.context.contextSize,
      penalty: sampling.repeatPenalty,
      frequencyPenalty: sampling.frequencyPenalty,
      presencePenalty: sampling.presencePenalty,
    }
  }
  if (sampling.bias.length + banned.length > 0) {
    const bias = TokenBias.for(loaded.model)
    // Where a grammar leaves only tokens a client bans, one of them is taken all the same.
    for (const [token, value] of sampling.bias)
      bias.set(
        token as Token,
        value === 'never' && grammar === undefined ? 'never' : { logit: asLogit(value) },
      )
    for (const token of banned) bias.set(token as Token, 'never')
    options.tokenBias = bias
  }
  if (grammar !== undefined) options.grammarEvaluationState = grammar
  return options
}

function asLogit(bias: number | 'never'): number {
  return bias === 'never' ? FORBIDDING : bias
}
