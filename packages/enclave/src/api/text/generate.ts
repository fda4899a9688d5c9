import { toHex } from '@sotto/protocol/bytes'
import type { GenerateRequest, TokenLogprob, TokenUsage } from '../../engines/types.ts'
import type { ServedModel } from '../models.ts'
import type { FieldNames } from './checked-answer.ts'
import { cancelledWith, eventStream } from '../openai/sse.ts'
import {
  bestOf,
  type ChoiceEvent,
  choiceRequests,
  type Collected,
  collectChoices,
  runChoices,
  totalUsage,
} from './choices.ts'

/** What a text route needs from outside. */
export interface Clock {
  /** Unix seconds. */
  now(): number
  randomBytes(length: number): Uint8Array
}

/** A stretch of a streamed choice. */
export type Stretch =
  | {
      readonly type: 'text'
      readonly text: string
      readonly logprobs: readonly TokenLogprob[] | undefined
      /** Characters of the tokens before it. */
      readonly offset: number
    }
  /** `id` and `name` with the first stretch of a call. */
  | {
      readonly type: 'call'
      readonly call: number
      readonly id?: string
      readonly name?: string
      readonly arguments: string
    }

/** How chat and plain completions spell the same answer. */
export interface Dialect {
  idPrefix: string
  object: string
  chunkObject: string
  /** One of `choices` of a whole answer. */
  choice(index: number, answer: Collected, logprobs: boolean, newCallId: () => string): object
  /** One of `choices` of a chunk. */
  delta(index: number, stretch: Stretch): object
  /** Choice sent before its first stretch, if the dialect has one. */
  opening?(index: number): object
  closing(index: number, finishReason: string): object
}

/** Requests, model and how to answer. */
export interface Generation {
  model: ServedModel
  /** One for each prompt. */
  prompts: readonly GenerateRequest[]
  /** Choices for each prompt. */
  n: number
  /** Choices tried for each prompt, at least `n`; more only without `stream`. */
  bestOf: number
  dialect: Dialect
  /** What the route calls fields that engines refuse. */
  names?: FieldNames
  clock: Clock
  stream: boolean
  includeUsage: boolean
  /** Aborts when the client leaves before the answer starts. */
  clientSignal: AbortSignal
}

/** Runs a generation and answers in one piece or as server-sent events. */
export async function answerGeneration(generation: Generation): Promise<Response> {
  const { model, dialect, clock, prompts, n } = generation
  const cancel = cancelledWith(generation.clientSignal)
  const envelope = {
    id: `${dialect.idPrefix}${toHex(clock.randomBytes(12))}`,
    created: clock.now(),
    model: model.id,
  }
  const wantsLogprobs = prompts[0]?.logprobs !== undefined
  const ranked = generation.bestOf > n && !wantsLogprobs
  const asked = ranked ? prompts.map((prompt) => ({ ...prompt, logprobs: 0 })) : prompts
  const requests = choiceRequests(asked, generation.bestOf)
  const events = runChoices(model, requests, cancel, generation.names)
  if (generation.stream) {
    // The first event is awaited here: a refused request is an HTTP error, not an event.
    const started = await startIterating(events)
    const count = requests.length
    return eventStream(
      chunks(started, { ...envelope, object: dialect.chunkObject }, generation, count),
      cancel,
      '[DONE]',
    )
  }
  const all = await collectChoices(events, requests.length)
  const choices = bestOf(all, generation.bestOf, n).map((answer, index) =>
    dialect.choice(index, answer, wantsLogprobs, () => newCallId(clock)),
  )
  const usage = totalUsage(
    all.map((answer) => answer.usage),
    generation.bestOf,
  )
  return Response.json({ ...envelope, object: dialect.object, choices, usage: openAIUsage(usage) })
}

async function* chunks(
  events: AsyncIterable<ChoiceEvent>,
  envelope: object,
  { dialect, includeUsage, clock, n }: Generation,
  count: number,
): AsyncGenerator<object[]> {
  const usageField = includeUsage ? { usage: null } : {}
  const chunk = (choice: object): object => ({ ...envelope, choices: [choice], ...usageField })
  const offsets = Array.from({ length: count }, () => 0)
  const isOpen = Array.from({ length: count }, () => false)
  const usages = Array.from({ length: count }, (): TokenUsage => ({ inputTokens: 0, outputTokens: 0 }))
  for await (const { index, event } of events) {
    // The opening leaves with the first words: apart from them it would make them wait for the next flush.
    const opening = !isOpen[index] && dialect.opening ? [chunk(dialect.opening(index))] : []
    isOpen[index] = true
    if (event.type === 'done') {
      usages[index] = event.usage
      yield [...opening, chunk(dialect.closing(index, finishReasonOf(event)))]
      continue
    }
    const offset = offsets[index] ?? 0
    yield [...opening, chunk(dialect.delta(index, stretchOf(event, offset, clock)))]
    if (event.type === 'delta') offsets[index] = offset + lengthOf(event.logprobs)
  }
  if (includeUsage) yield [{ ...envelope, choices: [], usage: openAIUsage(totalUsage(usages, n)) }]
}

function stretchOf(
  event: Exclude<ChoiceEvent['event'], { type: 'done' }>,
  offset: number,
  clock: Clock,
): Stretch {
  if (event.type === 'delta') return { type: 'text', text: event.text, logprobs: event.logprobs, offset }
  const { index: call, name } = event
  const start = name === undefined ? {} : { id: newCallId(clock), name }
  return { type: 'call', call, arguments: event.arguments, ...start }
}

function lengthOf(logprobs: readonly TokenLogprob[] = []): number {
  return logprobs.reduce((length, { text }) => length + text.length, 0)
}

/** An id for a call: random, so that calls of different answers never share one. */
export function newCallId(clock: Clock): string {
  return `call_${toHex(clock.randomBytes(12))}`
}

/** Why a choice ended, in OpenAI's words. */
export function finishReasonOf({ finishReason }: Pick<Collected, 'finishReason'>): string {
  return finishReason === 'tool-calls' ? 'tool_calls' : finishReason
}

/** Waits for the first item, so that what throws before it throws here. */
export async function startIterating<T>(source: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = source[Symbol.asyncIterator]()
  const first = await iterator.next()
  return (async function* () {
    try {
      for (let next = first; !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  })()
}

/** Usage in OpenAI's names. */
export function openAIUsage({ inputTokens, outputTokens, cachedInputTokens }: TokenUsage): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(cachedInputTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedInputTokens } }),
  }
}
