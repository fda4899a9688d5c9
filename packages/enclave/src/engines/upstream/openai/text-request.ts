import { createHash, randomBytes } from 'node:crypto'
import { engineError } from '../../errors.ts'
import { keyOf } from '../../cache-salt.ts'
import type { ChatMessage, GenerateRequest, ToolDefinition } from '../../types.ts'
import type { PrefixCache } from '../types.ts'

/** Every field of a request, and whether a server of this kind can be asked for it. One that is new does not compile. */
const OFFERED: Readonly<Record<keyof GenerateRequest, boolean>> = {
  messages: true,
  prompt: true,
  sampling: true,
  maxTokens: true,
  stop: true,
  responseFormat: true,
  tools: true,
  toolChoice: true,
  parallelToolCalls: true,
  cacheSalt: true,
  // Servers name tokens by their text, and callers here are promised ids.
  logprobs: false,
  echo: false,
  suffix: false,
}

/**
 * Route and body of a request to an OpenAI-compatible server, streamed. Our defaults are written out: a server's own
 * would be those its model's owner set. @throws `ENGINE_INPUT`, `ENGINE_UNSUPPORTED` naming what the server cannot be asked
 */
export function textRequest(
  model: string,
  request: GenerateRequest,
  prefixCache: PrefixCache,
): { route: string; body: object } {
  for (const [name, value] of Object.entries(request))
    if (value !== undefined && value !== false && OFFERED[name as keyof GenerateRequest] !== true)
      throw engineError('ENGINE_UNSUPPORTED', `${name} is not offered by the server of this model`)
  const { messages, prompt, sampling = {} } = request
  if ((messages === undefined) === (prompt === undefined))
    throw engineError('ENGINE_INPUT', 'exactly one of messages and prompt is needed')
  if ((sampling.repeatPenalty ?? 1) !== 1)
    throw engineError('ENGINE_UNSUPPORTED', 'repeatPenalty is not offered by the server of this model')
  const shared = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    temperature: sampling.temperature ?? 1,
    top_p: sampling.topP ?? 1,
    ...(sampling.topK !== undefined && { top_k: sampling.topK }),
    ...(sampling.minP !== undefined && { min_p: sampling.minP }),
    ...(sampling.seed !== undefined && { seed: sampling.seed }),
    frequency_penalty: sampling.frequencyPenalty ?? 0,
    presence_penalty: sampling.presencePenalty ?? 0,
    ...(sampling.logitBias && { logit_bias: sampling.logitBias }),
    ...(request.maxTokens !== undefined && { max_tokens: request.maxTokens }),
    ...(request.stop?.length && { stop: request.stop }),
    ...prefixFields(prefixCache, request.cacheSalt),
  }
  if (messages === undefined) {
    if (request.tools || request.responseFormat)
      throw engineError(
        'ENGINE_UNSUPPORTED',
        'tools and response formats need messages at the server of this model',
      )
    return { route: 'POST /v1/completions', body: { ...shared, prompt } }
  }
  return {
    route: 'POST /v1/chat/completions',
    body: { ...shared, messages: messages.map(turn), ...chatFields(request) },
  }
}

/** What keeps prompts apart. A salt never leaves as the client wrote it. */
function prefixFields(prefixCache: PrefixCache, salt: string | undefined): object {
  const key = salt === undefined ? undefined : keyOf(salt)
  if (prefixCache === 'cache_prompt') return { cache_prompt: false }
  if (prefixCache === 'none') return {}
  return { cache_salt: key ?? createHash('sha256').update(randomBytes(32)).digest('hex') }
}

function chatFields({ tools, toolChoice, parallelToolCalls, responseFormat }: GenerateRequest): object {
  return {
    ...(tools?.length && { tools: tools.map(tool) }),
    ...(toolChoice !== undefined && {
      tool_choice:
        typeof toolChoice === 'string'
          ? toolChoice
          : { type: 'function', function: { name: toolChoice.name } },
    }),
    ...(parallelToolCalls !== undefined && tools?.length && { parallel_tool_calls: parallelToolCalls }),
    ...(responseFormat?.type === 'json_object' && { response_format: { type: 'json_object' } }),
    ...(responseFormat?.type === 'json_schema' && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', strict: true, schema: responseFormat.schema },
      },
    }),
  }
}

function tool({ name, description, parameters }: ToolDefinition): object {
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  }
}

function turn({ role, content, toolCalls, toolCallId }: ChatMessage): object {
  return {
    role: role === 'developer' ? 'system' : role,
    content,
    ...(toolCalls?.length && {
      tool_calls: toolCalls.map((call) => ({
        id: call.id,
        type: 'function',
        function: { name: call.name, arguments: call.arguments },
      })),
    }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  }
}
