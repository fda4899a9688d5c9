import { searchBeams } from './beam-search.ts'
import { type Processor, processorsOf } from './processors.ts'
import { argmax, logSumExp } from './scores.ts'
import type { GenerationSettings } from './settings.ts'
import type { Step, StepDecoder } from './step-decoder.ts'

/** What a generation ended with. */
export interface Generated {
  /** Prompt and answer, with the end token where there is one. */
  readonly tokens: readonly number[]
  /** Natural-log probability of each token of the answer among what the processors left; empty unless asked for. */
  readonly logprobs: readonly number[]
  /** Length-penalised sum of log-probabilities; with beams only. */
  readonly score?: number
}

/** Draws a token from processed scores. */
export type Pick = (scores: Float32Array) => number

/** What {@link generate} needs besides the settings. */
export interface GenerateOptions {
  /** What the decoder starts with. Default: the model's start token. */
  readonly prompt?: readonly number[]
  /** What the encoder read; for settings that forbid repeating it. */
  readonly inputTokens?: readonly number[]
  /** Applied after those of the settings. */
  readonly processors?: readonly Processor[]
  /** Greedy search unless given; with beams it is not used. */
  readonly pick?: Pick
  /** Compute `logprobs` of the answer. Default false: it costs an exponential for every token of the vocabulary. */
  readonly logprobs?: boolean
  /** Called with the first step, before anything changes its scores. */
  readonly onFirstStep?: (step: Step) => void
  readonly signal?: AbortSignal
}

/**
 * Generates with an encoder-decoder model exactly as `generate` of transformers does: greedy search, drawing, or
 * beam search. One input; batches are the caller's loop.
 */
export async function generate(
  decoder: StepDecoder,
  settings: GenerationSettings,
  options: GenerateOptions = {},
): Promise<Generated> {
  const prompt = options.prompt ?? [settings.decoderStartTokenId]
  const processors = [
    ...processorsOf(settings, prompt.length, options.inputTokens ?? []),
    ...(options.processors ?? []),
  ]
  const watched: StepDecoder = {
    step: async (rows, order) => {
      // The runtime blocks the event loop: without a pause no word of the host would be heard.
      await new Promise<void>((resolve) => setImmediate(resolve))
      options.signal?.throwIfAborted()
      const step = await decoder.step(rows, order)
      if (rows[0]!.length === prompt.length) options.onFirstStep?.(step)
      return step
    },
  }
  const withLogprobs = options.logprobs ?? false
  if (settings.numBeams > 1 && !options.pick)
    return searchBeams(watched, prompt, settings, processors, withLogprobs)
  return follow(watched, prompt, settings, processors, options.pick ?? argmax, withLogprobs)
}

async function follow(
  decoder: StepDecoder,
  prompt: readonly number[],
  settings: GenerationSettings,
  processors: readonly Processor[],
  pick: Pick,
  withLogprobs: boolean,
): Promise<Generated> {
  const tokens = [...prompt]
  const logprobs: number[] = []
  while (tokens.length < settings.maxLength) {
    const scores = (await decoder.step([tokens], [0])).scores[0]!
    for (const process of processors) process(tokens, scores)
    const next = pick(scores)
    if (withLogprobs) logprobs.push(scores[next]! - logSumExp(scores, 0, scores.length))
    tokens.push(next)
    if (settings.eosTokenIds.includes(next)) break
  }
  return { tokens, logprobs }
}
