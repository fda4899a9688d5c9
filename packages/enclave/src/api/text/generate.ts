import { toHex } from '@sotto/protocol/bytes'
import type { GenerateRequest, TextEvent, TokenLogprob, TokenUsage } from '../../engines/types.ts'
import type { ServedModel } from '../models.ts'
import { cancelledWith, eventStream } from '../openai/sse.ts'

/** What a text route needs from outside. */
export interface Clock {
  /** Unix seconds. */
  now(): number
  randomBytes(length: number): Uint8Array
}

/** How chat and plain completions spell the same answer. */
export interface Dialect {
  idPrefix: string
  object: string
  chunkObject: string
  /** `choices[0]` of a whole answer. */
  choice(text: string, finishReason: string, logprobs: readonly TokenLogprob[] | undefined): object
  /** `choices[0]` of a chunk. `offset`: characters of the tokens in the chunks before it. */
  delta(text: string, logprobs: readonly TokenLogprob[] | undefined, offset: number): object
  /** Choice sent before the first text, if the dialect has one. */
  opening?: object
  closing(finishReason: string): object
}

/** Request, model and how to answer. */
export interface Generation {
  model: ServedModel
  request: GenerateRequest
  dialect: Dialect
  clock: Clock
  stream: boolean
  includeUsage: boolean
  /** Aborts when the client leaves before the answer starts. */
  clientSignal: AbortSignal
}

/** Runs a generation and answers in one piece or as server-sent events. */
export async function answerGeneration(generation: Generation): Promise<Response> {
  const { model, request, dialect, clock } = generation
  const cancel = cancelledWith(generation.clientSignal)
  const envelope = {
    id: `${dialect.idPrefix}${toHex(clock.randomBytes(12))}`,
    created: clock.now(),
    model: model.id,
  }
  const events = model.generate!(request, cancel.signal)
  if (generation.stream) {
    // The first event is awaited here: a refused request is an HTTP error, not an event.
    const started = await startIterating(events)
    return eventStream(
      chunks(started, { ...envelope, object: dialect.chunkObject }, generation),
      cancel,
      '[DONE]',
    )
  }
  let text = ''
  const logprobs: TokenLogprob[] = []
  let finishReason = 'stop'
  let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 }
  for await (const event of events) {
    if (event.type === 'delta') {
      text += event.text
      logprobs.push(...(event.logprobs ?? []))
    } else ({ finishReason, usage } = event)
  }
  const choice = dialect.choice(text, finishReason, request.logprobs === undefined ? undefined : logprobs)
  return Response.json({ ...envelope, object: dialect.object, choices: [choice], usage: openAIUsage(usage) })
}

async function* chunks(
  events: AsyncIterable<TextEvent>,
  envelope: object,
  { dialect, includeUsage }: Generation,
): AsyncGenerator<object[]> {
  const usageField = includeUsage ? { usage: null } : {}
  // The opening leaves with the first words: apart from them it would make them wait for the next flush.
  let opening = dialect.opening ? [{ ...envelope, choices: [dialect.opening], ...usageField }] : []
  let offset = 0
  for await (const event of events) {
    if (event.type === 'delta') {
      const choice = dialect.delta(event.text, event.logprobs, offset)
      yield [...opening, { ...envelope, choices: [choice], ...usageField }]
      for (const token of event.logprobs ?? []) offset += token.text.length
    } else {
      yield [...opening, { ...envelope, choices: [dialect.closing(event.finishReason)], ...usageField }]
      if (includeUsage) yield [{ ...envelope, choices: [], usage: openAIUsage(event.usage) }]
    }
    opening = []
  }
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
export function openAIUsage({ inputTokens, outputTokens }: TokenUsage): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  }
}
