import {
  type LlamaContextSequence,
  type SequenceEvaluateOptions,
  type Token,
  TokenBias,
} from 'node-llama-cpp'
import { engineError } from '../errors.ts'
import type { GenerateRequest, TextEvent, TokenLogprob } from '../types.ts'
import type { Loaded } from './engine.ts'
import { grammarFor } from './grammar.ts'
import { tokenLogprob } from './logprobs.ts'
import { promptTokens } from './prompt.ts'
import {
  resolveLogprobs,
  resolveMaxTokens,
  resolveSampling,
  resolveStops,
  type Sampling,
} from './sampling.ts'
import { StopFilter } from './stop-filter.ts'
import { TokenText } from './token-text.ts'

/**
 * Answers one request in a sequence of its own: nothing of another request is in its context, because it starts
 * empty, no prefix is looked up, and it is erased at the end.
 *
 * @throws `ENGINE_INPUT`, `ENGINE_CONTEXT_OVERFLOW`; whatever aborted `signal`
 */
export async function* generateText(
  loaded: Loaded,
  request: GenerateRequest,
  signal: AbortSignal,
  drawSeed: () => number,
): AsyncGenerator<TextEvent, void> {
  const { model, context, template, llama } = loaded
  const sampling = resolveSampling(request.sampling, loaded.vocabulary, drawSeed)
  const top = resolveLogprobs(request.logprobs)
  const stops = [...resolveStops(request.stop), ...(request.messages ? template.stops : [])]
  const prompt = promptTokens(model, template, loaded.vocabulary, request)
  const maxTokens = resolveMaxTokens(request.maxTokens, prompt.length, context.contextSize)
  const grammarState = await grammarFor(request.responseFormat, llama, model)
  const answer = new Answer(loaded, prompt, stops)
  const sequence = context.getSequence({ contextShift: { strategy: refuseShift } })
  try {
    const last = await evaluatePrompt(sequence, prompt, loaded.batchTokens, signal)
    const options = evaluateOptions(loaded, sampling, answer.tokens, grammarState)
    for await (const next of sequence.evaluateWithMetadata(
      last,
      { probabilities: top !== undefined },
      options,
    )) {
      signal.throwIfAborted()
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
      const delta = answer.push(next.token, logprob)
      if (delta) yield delta
      if (answer.stopped) break
      if (answer.tokens.length >= maxTokens) {
        answer.finishReason = 'length'
        break
      }
    }
    signal.throwIfAborted()
    const rest = answer.flush()
    if (rest) yield rest
    const usage = { inputTokens: prompt.length, outputTokens: answer.tokens.length }
    yield { type: 'done', finishReason: answer.finishReason, usage }
  } finally {
    await sequence.dispose()
  }
}

/** The growing answer: tokens to text, stop strings, and what belongs to the next delta. */
class Answer {
  readonly tokens: Token[] = []
  finishReason: 'stop' | 'length' = 'stop'
  stopped = false
  readonly textOf: (token: number) => string
  private readonly text: TokenText
  private readonly filter: StopFilter
  private logprobs: TokenLogprob[] = []
  private counted = 0

  constructor({ model }: Loaded, prompt: readonly Token[], stops: readonly string[]) {
    this.textOf = (token) => model.detokenize([token as Token], true)
    this.text = new TokenText(
      (tokens, before) => model.detokenize(tokens as Token[], false, before as Token[]),
      prompt,
    )
    this.filter = new StopFilter(stops)
  }

  push(token: Token, logprob: TokenLogprob | undefined): TextEvent | undefined {
    this.tokens.push(token)
    if (logprob) this.logprobs.push(logprob)
    const piece = this.text.push(token)
    if (piece === '') return undefined
    const { text, stopped } = this.filter.push(piece)
    this.stopped = stopped
    // Tokens of a held-back piece stay with it: if it becomes a stop string, they are not reported.
    if (stopped || !this.filter.isHolding) return this.delta(text, stopped)
    return text === '' ? undefined : { type: 'delta', text, tokens: 0 }
  }

  flush(): TextEvent | undefined {
    if (this.stopped) return undefined
    const { text, stopped } = this.filter.push(this.text.flush())
    if (stopped) this.finishReason = 'stop'
    return this.delta(stopped ? text : text + this.filter.flush(), stopped)
  }

  private delta(text: string, stopped: boolean): TextEvent | undefined {
    const tokens = this.tokens.length - this.counted
    const { logprobs } = this
    this.counted = this.tokens.length
    this.logprobs = []
    if (text === '' && (stopped || tokens === 0)) return undefined
    return { type: 'delta', text, tokens, ...(logprobs.length > 0 ? { logprobs } : {}) }
  }
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
  grammarEvaluationState: SequenceEvaluateOptions['grammarEvaluationState'] | undefined,
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
  if (sampling.bias.length > 0) {
    const bias = TokenBias.for(loaded.model)
    for (const [token, value] of sampling.bias)
      bias.set(token as Token, value === 'never' ? 'never' : { logit: value })
    options.tokenBias = bias
  }
  if (grammarEvaluationState !== undefined) options.grammarEvaluationState = grammarEvaluationState
  return options
}

/** A shifted context would silently forget the beginning; lengths are checked so that it never comes to that. */
function refuseShift(): never {
  throw engineError('ENGINE_CONTEXT_OVERFLOW', 'the answer does not fit the context of this model')
}
