import { z } from 'zod'
import type { GenerateRequest, ResponseFormat } from '../../engines/types.ts'
import { given } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { noEffect, refused, refuseFields, works } from '../openai/fields.ts'
import { messageSchema, toMessages } from './messages.ts'
import { commonFields, samplingRequest } from './sampling-fields.ts'
import {
  functionCallSchema,
  functionsSchema,
  toolChoiceSchema,
  toolRequest,
  toolsSchema,
} from './tool-fields.ts'

/** `text`, any JSON object, or JSON of a schema. */
const responseFormatSchema = z.object({
  type: z.enum(['text', 'json_object', 'json_schema']),
  json_schema: z.object({ schema: z.unknown().optional() }).optional(),
})

/** `POST /v1/chat/completions`. */
export const chatSchema = z.object({
  messages: works(
    z.array(messageSchema).min(1).max(4096),
    'content as text or text parts; calls and their results; pictures, files and audio are refused; `name` has no effect but with role `function`',
  ),
  ...commonFields,
  max_completion_tokens: works(z.int().min(1).max(1_000_000).nullish(), 'wins over `max_tokens`'),
  logprobs: works(z.boolean().nullish(), 'of text, not of tool calls'),
  top_logprobs: works(z.int().min(0).max(20).nullish(), 'with `logprobs`'),
  response_format: works(
    responseFormatSchema.nullish(),
    '`text`, `json_object`, `json_schema`: forced by a grammar, see below',
  ),
  tools: works(toolsSchema, 'functions; arguments always match their schema, see below'),
  tool_choice: works(
    toolChoiceSchema,
    '`none`, `auto`, `required`, one function, or `allowed_tools`: the model is not told of the others',
  ),
  parallel_tool_calls: works(z.boolean().nullish(), 'false: one call at most'),
  functions: works(
    functionsSchema,
    'as `tools`, for older programs: one call at most, in `function_call` of the answer; not together with `tools`',
  ),
  function_call: works(functionCallSchema, '`none`, `auto`, or one function; with `functions`'),
  modalities: refused('only text is offered', ['text']),
  audio: refused('only text is offered'),
  prediction: refused('predicted outputs are not offered'),
  reasoning_effort: refused('no model here has an effort to set', 'none'),
  verbosity: refused('no model here has a verbosity to set', 'medium'),
  web_search_options: refused('nothing here searches the web'),
  moderation: refused('nothing here moderates'),
  service_tier: refused('there is one tier', 'auto', 'default'),
  store: refused('nothing is stored', false),
  metadata: noEffect('of stored answers, and nothing is stored'),
  user: noEffect('a label for the provider'),
  safety_identifier: noEffect('a label for the provider'),
  prompt_cache_key: noEffect('a hint; `cache_salt` is what reuses'),
  prompt_cache_options: noEffect('a hint; `cache_salt` is what reuses'),
  prompt_cache_retention: noEffect('a hint; `cache_salt` is what reuses'),
})

type ChatBody = z.infer<typeof chatSchema>

/** The engine request of a chat body. @throws `API_UNSUPPORTED`, `API_INVALID` */
export function chatRequest(body: ChatBody): GenerateRequest {
  refuseFields(chatSchema, body)
  if (body.top_logprobs != null && body.top_logprobs > 0 && body.logprobs !== true)
    throw new ApiError('API_INVALID', 'top_logprobs: needs logprobs', 'top_logprobs')
  const format = body.response_format && toFormat(body.response_format)
  return {
    messages: toMessages(body.messages),
    ...samplingRequest(body),
    ...given({ maxTokens: body.max_completion_tokens ?? body.max_tokens }),
    ...(body.logprobs && { logprobs: body.top_logprobs ?? 0 }),
    ...(format && { responseFormat: format }),
    ...toolRequest(body),
  }
}

function toFormat(format: z.infer<typeof responseFormatSchema>): ResponseFormat {
  if (format.type !== 'json_schema') return { type: format.type }
  if (format.json_schema?.schema === undefined)
    throw new ApiError('API_INVALID', 'response_format: json_schema has no schema', 'response_format')
  return { type: 'json_schema', schema: format.json_schema.schema }
}
