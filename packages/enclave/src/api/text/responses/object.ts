import type { TokenLogprob, TokenUsage } from '../../../engines/types.ts'
import { logprobEntry } from '../dialects.ts'
import type { ResponsesBody } from './schema.ts'

/** How far a response or one of its items is. */
export type Status = 'in_progress' | 'completed' | 'incomplete'

/** What stays the same in every copy of a response that a stream sends. */
export interface ResponseHead {
  readonly id: string
  readonly createdAt: number
  readonly model: string
  readonly body: ResponsesBody
}

/** A response object. What a request may set is repeated; `store` is always false. */
export function responseObject(
  { id, createdAt, model, body }: ResponseHead,
  status: Status,
  output: readonly object[],
  usage: TokenUsage | undefined,
): object {
  return {
    id,
    object: 'response',
    created_at: createdAt,
    status,
    background: false,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    model,
    output,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: null,
    service_tier: 'default',
    store: false,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: 'disabled',
    usage: usage === undefined ? null : usageObject(usage),
    user: null,
  }
}

/** A message with one text, or none yet. */
export function messageItem(id: string, status: Status, content: readonly object[]): object {
  return { id, type: 'message', role: 'assistant', status, content }
}

/** The text of a message. */
export function textPart(text: string, logprobs: readonly TokenLogprob[]): object {
  return {
    type: 'output_text',
    annotations: [],
    text,
    logprobs: logprobs.map((token) => logprobEntry(token)),
  }
}

/** A call the client is asked to make. */
export function callItem(
  id: string,
  status: Status,
  call: { readonly callId: string; readonly name: string; readonly arguments: string },
): object {
  return {
    id,
    type: 'function_call',
    status,
    call_id: call.callId,
    name: call.name,
    arguments: call.arguments,
  }
}

function usageObject({ inputTokens, outputTokens, cachedInputTokens = 0 }: TokenUsage): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedInputTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  }
}
