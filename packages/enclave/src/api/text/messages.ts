import { z } from 'zod'
import type { ChatMessage, ToolCall } from '../../engines/types.ts'
import { unsupported } from '../openai/errors.ts'
import { isText, listOf } from '../openai/list.ts'
import { NAME } from './tool-fields.ts'

interface TextPart {
  type: string
  text?: string
  refusal?: string
}

/** Text, or parts of which only texts are offered. */
export const contentSchema = z
  .union([z.string(), listOf('not a list of content parts', isPart, { max: 1024 })])
  .nullish()

const callSchema = z.object({
  id: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -'),
  type: z.string().max(64),
  function: z.object({ name: z.string().regex(NAME, 'malformed'), arguments: z.string() }).optional(),
})

/** One message of a chat. */
export const messageSchema = z
  .object({
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
    content: contentSchema,
    // Counted first: each of a million wrong calls would make an issue of its own.
    tool_calls: listOf('not a list of at most 128 calls', isAnything, { max: 128 })
      .pipe(z.array(callSchema))
      .nullish(),
    tool_call_id: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -').nullish(),
    function_call: z.unknown().optional(),
    audio: z.unknown().optional(),
  })
  .refine(({ role, tool_call_id }) => role !== 'tool' || tool_call_id != null, {
    message: 'missing in a message of role tool',
    path: ['tool_call_id'],
  })

/** A message as engines take it. @throws `API_UNSUPPORTED` for parts that are no text */
export function toMessage(message: z.infer<typeof messageSchema>): ChatMessage {
  if (message.function_call != null)
    throw unsupported('messages', 'messages with function_call: use tool_calls')
  if (message.audio != null) throw unsupported('messages', 'messages with audio are not offered')
  const { role, tool_calls, tool_call_id } = message
  return {
    role,
    content: textOf(message.content, 'messages'),
    ...(tool_calls?.length && { toolCalls: tool_calls.map((call) => toCall(call)) }),
    ...(role === 'tool' && tool_call_id != null && { toolCallId: tool_call_id }),
  }
}

/** The text of contents. @throws `API_UNSUPPORTED` naming `param` */
export function textOf(content: z.infer<typeof contentSchema>, param: string): string {
  if (typeof content === 'string') return content
  return (content ?? [])
    .map((part) => {
      if (!TEXT_PARTS.includes(part.type))
        throw unsupported(param, `content of type ${part.type.slice(0, 32)} is not offered`)
      return part.text ?? part.refusal ?? ''
    })
    .join('')
}

const TEXT_PARTS: readonly string[] = ['text', 'refusal', 'input_text', 'output_text']

/** Some programs write no arguments as an empty text. */
export function argumentsOf(text: string): string {
  return text.trim() === '' ? '{}' : text
}

function toCall(call: z.infer<typeof callSchema>): ToolCall {
  if (call.type !== 'function' || !call.function)
    throw unsupported('messages', `tool calls of type ${call.type} are not offered`)
  return { id: call.id, name: call.function.name, arguments: argumentsOf(call.function.arguments) }
}

function isAnything(_value: unknown): _value is unknown {
  return true
}

function isPart(value: unknown): value is TextPart {
  if (typeof value !== 'object' || value === null) return false
  const { type, text, refusal } = value as Record<string, unknown>
  return isText(type) && [text, refusal].every((one) => one === undefined || isText(one))
}
