import { z } from 'zod'
import type { ChatMessage, GenerateRequest, ResponseFormat, SamplingParams } from '../../engines/types.ts'
import { given } from '../openai/body.ts'
import { isText, isToken, isTokens, listOf } from '../openai/list.ts'
import { unsupported } from '../openai/errors.ts'

interface TextPart {
  type: string
  text?: string
}
const content = z.union([z.string(), listOf('not a list of content parts', isPart, { max: 1024 })]).nullish()

const message = z.object({ role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']), content })

/** Fields that chat and plain completions share. */
const common = {
  model: z.string().max(256).optional(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).max(1000).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  max_tokens: z.int().min(1).max(1_000_000).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), listOf('not a list of up to 16 texts', isText, { max: 16 })]).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: z
    .custom<Record<string, number>>(isBias, 'not token ids with biases from -100 to 100')
    .nullish(),
  n: z.int().min(1).max(128).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
}

const responseFormat = z.object({
  type: z.enum(['text', 'json_object', 'json_schema']),
  json_schema: z.object({ schema: z.unknown().optional() }).optional(),
})

/** `POST /v1/chat/completions`. */
export const chatSchema = z.object({
  ...common,
  messages: z.array(message).min(1).max(4096),
  max_completion_tokens: z.int().min(1).max(1_000_000).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  response_format: responseFormat.nullish(),
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  functions: z.array(z.unknown()).nullish(),
  modalities: listOf('not a list of texts', isText).nullish(),
  audio: z.unknown().optional(),
})

/** `POST /v1/completions`. */
export const completionSchema = z.object({
  ...common,
  prompt: z.union([
    z.string(),
    listOf('not a list of token ids', isToken),
    listOf('not a list of texts', isText),
    listOf('not a list of lists of token ids', isTokens),
  ]),
  logprobs: z.int().min(0).max(5).nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
  best_of: z.int().nullish(),
})

export type ChatBody = z.infer<typeof chatSchema>
export type CompletionBody = z.infer<typeof completionSchema>

/** The engine request of a chat body. @throws `API_UNSUPPORTED` for a known field this server does not offer */
export function chatRequest(body: ChatBody): GenerateRequest {
  if ((body.tools?.length ?? 0) > 0 && body.tool_choice !== 'none')
    throw unsupported('tools', 'tool calls are not offered')
  if (body.functions?.length) throw unsupported('functions', 'function calls are not offered')
  if (body.audio != null || body.modalities?.some((name) => name !== 'text'))
    throw unsupported('modalities', 'only text is offered')
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  const format = body.response_format && toFormat(body.response_format)
  return {
    messages: body.messages.map(toMessage),
    ...shared(body),
    ...given({ maxTokens }),
    ...(body.logprobs && { logprobs: body.top_logprobs ?? 0 }),
    ...(format && { responseFormat: format }),
  }
}

/** The engine request of a completion body. @throws `API_UNSUPPORTED` */
export function completionRequest(body: CompletionBody): GenerateRequest {
  if (body.echo) throw unsupported('echo', 'echo is not offered')
  if (body.suffix) throw unsupported('suffix', 'suffix is not offered')
  if ((body.best_of ?? 1) > 1) throw unsupported('best_of', 'best_of is not offered')
  return {
    prompt: onePrompt(body.prompt),
    ...shared(body),
    maxTokens: body.max_tokens ?? 16,
    ...given({ logprobs: body.logprobs }),
  }
}

function shared(body: ChatBody | CompletionBody): { sampling: SamplingParams; stop?: string[] } {
  if ((body.n ?? 1) > 1) throw unsupported('n', 'one choice per request is offered')
  const stop = typeof body.stop === 'string' ? [body.stop] : body.stop
  return {
    sampling: given({
      temperature: body.temperature,
      topP: body.top_p,
      topK: body.top_k,
      minP: body.min_p,
      seed: body.seed,
      frequencyPenalty: body.frequency_penalty,
      presencePenalty: body.presence_penalty,
      logitBias: body.logit_bias,
    }),
    ...(stop?.length && { stop }),
  }
}

function toMessage({ role, content }: ChatBody['messages'][number]): ChatMessage {
  if (typeof content === 'string') return { role, content }
  const parts = content ?? []
  for (const part of parts)
    if (part.type !== 'text')
      throw unsupported('messages', `content of type ${part.type.slice(0, 32)} is not offered`)
  return { role, content: parts.map((part) => part.text ?? '').join('') }
}

function toFormat(format: NonNullable<ChatBody['response_format']>): ResponseFormat {
  if (format.type === 'json_schema') return { type: 'json_schema', schema: format.json_schema?.schema ?? {} }
  return { type: format.type }
}

function onePrompt(prompt: CompletionBody['prompt']): string | number[] {
  if (typeof prompt === 'string') return prompt
  if (prompt.every((item) => typeof item === 'number')) return prompt as number[]
  const [only, ...more] = prompt as (string | number[])[]
  if (more.length > 0 || only === undefined) throw unsupported('prompt', 'one prompt per request is offered')
  return only
}

function isPart(value: unknown): value is TextPart {
  if (typeof value !== 'object' || value === null) return false
  const { type, text } = value as Record<string, unknown>
  return isText(type) && (text === undefined || isText(text))
}

function isBias(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((bias) => typeof bias === 'number' && Math.abs(bias) <= 100)
}
