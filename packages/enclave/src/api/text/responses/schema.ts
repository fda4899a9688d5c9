import { z } from 'zod'
import type { GenerateRequest, ResponseFormat } from '../../../engines/types.ts'
import { given } from '../../openai/body.ts'
import { unsupported } from '../../openai/errors.ts'
import { noEffect, refused, refuseFields, works } from '../../openai/fields.ts'
import { isText, listOf } from '../../openai/list.ts'
import { commonFields, samplingRequest } from '../sampling-fields.ts'
import { toolChoiceSchema, toolRequest, toolsSchema } from '../tool-fields.ts'
import { inputSchema, toMessages } from './input.ts'

const LOGPROBS = 'message.output_text.logprobs'
const STATELESS = 'nothing is stored: send the whole conversation as input'

const textSchema = z.object({
  format: z
    .object({ type: z.enum(['text', 'json_object', 'json_schema']), schema: z.unknown().optional() })
    .loose()
    .nullish(),
  verbosity: z.string().nullish(),
})

/** `POST /v1/responses`, stateless. */
export const responsesSchema = z.object({
  model: commonFields.model,
  input: works(inputSchema, 'text, or messages, function calls and their outputs; other items are refused'),
  instructions: works(z.string().max(4_000_000).nullish(), 'a system message before the input'),
  max_output_tokens: works(z.int().min(1).max(1_000_000).nullish()),
  temperature: commonFields.temperature,
  top_p: commonFields.top_p,
  text: works(textSchema.nullish(), '`format`: `text`, `json_object`, `json_schema`; forced by a grammar'),
  tools: works(toolsSchema, 'functions; other types are refused'),
  tool_choice: works(
    toolChoiceSchema,
    '`none`, `auto`, `required`, one function, or `allowed_tools`: the model is not told of the others',
  ),
  parallel_tool_calls: works(z.boolean().nullish(), 'false: one call at most'),
  include: works(
    listOf('not a list of texts', isText, { max: 16 }).nullish(),
    `\`${LOGPROBS}\`; others are refused`,
  ),
  top_logprobs: works(z.int().min(0).max(20).nullish(), 'with `include`'),
  stream: works(z.boolean().nullish(), '`response.created` to `response.completed` or `response.incomplete`'),
  cache_salt: commonFields.cache_salt,
  store: refused(`${STATELESS}; left out, it is false`, false),
  previous_response_id: refused(STATELESS),
  conversation: refused(STATELESS),
  background: refused(STATELESS, false),
  prompt: refused('no prompts are stored here'),
  truncation: refused('nothing is dropped silently', 'disabled'),
  context_management: refused('nothing is dropped silently'),
  reasoning: refused('no model here has an effort to set'),
  image: refused('only text is offered'),
  moderation: refused('nothing here moderates'),
  access_programs: refused('there are none here'),
  service_tier: refused('there is one tier', 'auto', 'default'),
  stream_options: noEffect('`include_obfuscation`: every answer is padded by the encryption'),
  max_tool_calls: noEffect('of tools that a provider runs, and none runs here'),
  metadata: noEffect('repeated in the answer'),
  user: noEffect('a label for the provider'),
  safety_identifier: noEffect('a label for the provider'),
  prompt_cache_key: noEffect('a hint; `cache_salt` is what reuses'),
  prompt_cache_options: noEffect('a hint; `cache_salt` is what reuses'),
  prompt_cache_retention: noEffect('a hint; `cache_salt` is what reuses'),
})

export type ResponsesBody = z.infer<typeof responsesSchema>

/** The engine request of a body. @throws `API_UNSUPPORTED`, `API_INVALID` */
export function responsesRequest(body: ResponsesBody): GenerateRequest {
  refuseFields(responsesSchema, body)
  const other = body.include?.find((name) => name !== LOGPROBS)
  if (other !== undefined) throw unsupported('include', `include: only ${LOGPROBS} is offered`)
  if (body.text?.verbosity != null && body.text.verbosity !== 'medium')
    throw unsupported('text', 'text.verbosity: no model here has a verbosity to set')
  const { format } = body.text ?? {}
  const system = body.instructions ? [{ role: 'system' as const, content: body.instructions }] : []
  return {
    messages: [...system, ...toMessages(body.input)],
    ...samplingRequest(body),
    ...given({ maxTokens: body.max_output_tokens }),
    ...(body.include?.length && { logprobs: body.top_logprobs ?? 0 }),
    ...(format && { responseFormat: toFormat(format) }),
    ...toolRequest(body),
  }
}

function toFormat({ type, schema }: { type: ResponseFormat['type']; schema?: unknown }): ResponseFormat {
  if (type !== 'json_schema') return { type }
  if (schema === undefined) throw unsupported('text', 'text.format: json_schema has no schema')
  return { type, schema }
}
