import { engineError } from '../../errors.ts'
import { bad, count, type Fields, list, object, oneOf, text } from '../../fields.ts'
import type { TextEvent, TokenUsage } from '../../types.ts'

const REASONS = { stop: 'stop', length: 'length', tool_calls: 'tool-calls' } as const
/** Calls in one answer at most. */
const MAX_CALLS = 128

/**
 * The chunks of a streamed answer as our events. It has to give exactly one reason why it ended, and its usage: an answer
 * that is cut is never taken for whole. @throws `ENGINE_PROTOCOL`; `ENGINE_FAILED` for an error in the stream
 */
export async function* textEvents(
  chunks: AsyncIterable<unknown>,
  hasSalt: boolean,
): AsyncGenerator<TextEvent, void> {
  let reason: keyof typeof REASONS | undefined
  let usage: TokenUsage | undefined
  const named = new Set<number>()
  for await (const chunk of chunks) {
    const f = object(chunk)
    if (f['error'] != null) throw engineError('ENGINE_FAILED', 'the model server failed')
    if (f['usage'] != null) usage = usageOf(object(f['usage']), hasSalt)
    const choices = list(f['choices'] ?? [], object)
    if (choices.length > 1) throw bad('more than one choice')
    for (const choice of choices) {
      if (reason !== undefined) {
        if (textOf(choice) !== '') throw bad('text after the end')
        continue
      }
      const piece = textOf(choice)
      if (piece !== '') yield { type: 'delta', text: piece, tokens: 0 }
      yield* callsOf(choice, named)
      if (choice['finish_reason'] != null)
        reason = oneOf(choice['finish_reason'], Object.keys(REASONS) as (keyof typeof REASONS)[])
    }
  }
  if (reason === undefined || usage === undefined) throw bad('the answer ends without a reason or its usage')
  yield { type: 'done', finishReason: REASONS[reason], usage }
}

/** Of a chat chunk or a completion chunk. */
function textOf(choice: Fields): string {
  if (choice['text'] != null) return text(choice['text'])
  const delta = choice['delta'] == null ? {} : object(choice['delta'])
  return delta['content'] == null ? '' : text(delta['content'])
}

function* callsOf(choice: Fields, named: Set<number>): Generator<TextEvent> {
  const delta = choice['delta'] == null ? {} : object(choice['delta'])
  for (const call of list(delta['tool_calls'] ?? [], object)) {
    const index = count(call['index'])
    if (index >= MAX_CALLS || index > named.size) throw bad('calls out of order')
    const { name, arguments: piece } = object(call['function'])
    const isFirst = !named.has(index)
    if (isFirst && (typeof name !== 'string' || name === '')) throw bad('a call without a name')
    named.add(index)
    yield {
      type: 'tool-call',
      index,
      ...(isFirst && { name: text(name) }),
      arguments: piece == null ? '' : text(piece),
    }
  }
}

function usageOf(f: Fields, hasSalt: boolean): TokenUsage {
  const details = f['prompt_tokens_details'] == null ? {} : object(f['prompt_tokens_details'])
  const cached = details['cached_tokens']
  return {
    inputTokens: count(f['prompt_tokens']),
    outputTokens: count(f['completion_tokens'] ?? 0),
    ...(hasSalt && cached != null && { cachedInputTokens: count(cached) }),
  }
}
