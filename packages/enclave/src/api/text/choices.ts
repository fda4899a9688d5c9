import { AsyncLocalStorage } from 'node:async_hooks'
import type { GenerateRequest, TextEvent, TokenLogprob, TokenUsage } from '../../engines/types.ts'
import type { ServedModel } from '../models.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import { SottoError } from '@sotto/protocol/errors'
import { answerCheck, type FieldNames } from './checked-answer.ts'
import { MAX_CHOICES } from './sampling-fields.ts'

/** Choices of one request that ask the engine at the same time; the others wait their turn outside its queue. */
const MAX_AT_ONCE = 4

/** An event and the choice it belongs to. */
export interface ChoiceEvent {
  readonly index: number
  readonly event: TextEvent
}

/** A call that an answer asks for. */
export interface CollectedCall {
  readonly name: string
  readonly arguments: string
}

/** A choice that has ended. */
export interface Collected {
  readonly text: string
  readonly logprobs: readonly TokenLogprob[]
  readonly calls: readonly CollectedCall[]
  readonly finishReason: 'stop' | 'length' | 'tool-calls'
  readonly usage: TokenUsage
  /** Mean log-probability of the sampled tokens; minus infinity where none was sampled. */
  readonly meanLogprob: number
}

/**
 * The request of each choice: every prompt `count` times. A seed is that of the first; the next ones follow from it,
 * or else they would all be the same. @throws `API_INVALID` for too many
 */
export function choiceRequests(prompts: readonly GenerateRequest[], count: number): GenerateRequest[] {
  if (prompts.length * count > MAX_CHOICES)
    throw new ApiError('API_INVALID', `n: prompts and choices make more than ${MAX_CHOICES}`, 'n')
  return prompts.flatMap((request) =>
    Array.from({ length: count }, (_, index) => {
      const seed = request.sampling?.seed
      if (seed === undefined || index === 0) return request
      return { ...request, sampling: { ...request.sampling, seed: nextSeed(seed, index) } }
    }),
  )
}

/**
 * The events of all choices as they come, each looked at by {@link answerCheck}. What one throws ends them all.
 *
 * @param requests differ in prompt and seed alone
 */
export async function* runChoices(
  model: ServedModel,
  requests: readonly GenerateRequest[],
  cancel: AbortController,
  names: FieldNames = { format: 'response_format', tools: 'tools' },
): AsyncGenerator<ChoiceEvent> {
  const check = answerCheck(requests[0]!, names)
  const running = new Map<number, AsyncIterator<TextEvent>>()
  const next = new Map<number, Promise<{ index: number; result: IteratorResult<TextEvent> }>>()
  // What is asked for later, as the answer is read, is still this client's.
  const asNow = AsyncLocalStorage.snapshot()
  const ask = (index: number): void => {
    const pending = asNow(() => running.get(index)!.next())
    // To the end of the line: the first in it that has something to say is heard, and nobody twice before another.
    next.delete(index)
    next.set(index, named(pending, index, requests[index]!, names))
  }
  let started = 0
  let isDone = false
  try {
    while (started < requests.length || next.size > 0) {
      for (; started < requests.length && running.size < MAX_AT_ONCE; started++) {
        const events = check(model.generate!(requests[started]!, cancel.signal))
        running.set(started, events[Symbol.asyncIterator]())
        ask(started)
      }
      const { index, result } = await Promise.race(next.values())
      if (result.done) {
        next.delete(index)
        running.delete(index)
      } else {
        ask(index)
        yield { index, event: result.value }
      }
    }
    isDone = true
  } finally {
    if (!isDone) {
      cancel.abort()
      for (const promise of next.values()) promise.catch(() => undefined)
      for (const iterator of running.values()) void iterator.return?.().catch(() => undefined)
    }
  }
}

/** Runs choices to their end. */
export async function collectChoices(
  events: AsyncIterable<ChoiceEvent>,
  count: number,
): Promise<Collected[]> {
  const choices = Array.from({ length: count }, () => new Collector())
  for await (const { index, event } of events) choices[index]!.add(event)
  return choices.map((choice) => choice.finish())
}

/** Gathers the events of one choice. */
export class Collector {
  private text = ''
  private readonly logprobs: TokenLogprob[] = []
  private readonly calls: { name: string; arguments: string }[] = []
  private finishReason: Collected['finishReason'] = 'stop'
  private usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }
  private readonly sampled: number[] = []

  add(event: TextEvent): void {
    if (event.type === 'delta') {
      this.text += event.text
      this.logprobs.push(...(event.logprobs ?? []))
      // Without tokens: the prompt, echoed.
      if (event.tokens > 0) this.sampled.push(...(event.logprobs ?? []).map(({ logprob }) => logprob))
    } else if (event.type === 'tool-call') {
      const call = (this.calls[event.index] ??= { name: '', arguments: '' })
      call.name += event.name ?? ''
      call.arguments += event.arguments
    } else ({ finishReason: this.finishReason, usage: this.usage } = event)
  }

  finish(): Collected {
    const { text, logprobs, calls, finishReason, usage, sampled } = this
    const sum = sampled.reduce((total, logprob) => total + logprob, 0)
    const meanLogprob = sampled.length === 0 ? -Infinity : sum / sampled.length
    return { text, logprobs, calls, finishReason, usage, meanLogprob }
  }
}

/** Of each prompt's choices the `keep` that the model itself found likeliest, best first. */
export function bestOf(choices: readonly Collected[], of: number, keep: number): Collected[] {
  if (of === keep) return [...choices]
  return Array.from({ length: choices.length / of }, (_, prompt) =>
    choices
      .slice(prompt * of, (prompt + 1) * of)
      .toSorted((a, b) => b.meanLogprob - a.meanLogprob)
      .slice(0, keep),
  ).flat()
}

/** What all choices used: a prompt counts once, however often it was continued. */
export function totalUsage(usages: readonly TokenUsage[], perPrompt: number): TokenUsage {
  const prompts = usages.filter((_, index) => index % perPrompt === 0)
  const cached = prompts
    .map(({ cachedInputTokens }) => cachedInputTokens)
    .filter((count) => count !== undefined)
  return {
    inputTokens: sum(prompts.map(({ inputTokens }) => inputTokens)),
    outputTokens: sum(usages.map(({ outputTokens }) => outputTokens)),
    ...(cached.length > 0 && { cachedInputTokens: sum(cached) }),
  }
}

/** The name of a field in place of a refusal that only speaks of engines. */
async function named(
  pending: Promise<IteratorResult<TextEvent>>,
  index: number,
  request: GenerateRequest,
  names: FieldNames,
): Promise<{ index: number; result: IteratorResult<TextEvent> }> {
  try {
    return { index, result: await pending }
  } catch (error) {
    if (!(error instanceof SottoError) || error.code !== 'ENGINE_UNSUPPORTED') throw error
    const field = fieldOf(error.message, request, names)
    throw field === undefined ? error : unsupported(field, error.message)
  }
}

function fieldOf(
  message: string,
  { responseFormat }: GenerateRequest,
  names: FieldNames,
): string | undefined {
  if (message.startsWith('suffix')) return 'suffix'
  if (message.startsWith('stop')) return 'stop'
  if (!message.startsWith('JSON schema')) return undefined
  return responseFormat?.type === 'json_schema' ? names.format : names.tools
}

function nextSeed(seed: number, index: number): number {
  return Number.isSafeInteger(seed + index) ? seed + index : seed - index
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
