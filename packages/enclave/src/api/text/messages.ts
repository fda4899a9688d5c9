import { z } from 'zod'
import type { ChatMessage, ToolCall } from '../../engines/types.ts'
import { ApiError, unsupported } from '../openai/errors.ts'
import { isAnything, isText, listOf } from '../openai/list.ts'
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
    role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
    content: contentSchema,
    // Counted first: each of a million wrong calls would make an issue of its own.
    tool_calls: listOf('not a list of at most 128 calls', isAnything, { max: 128 })
      .pipe(z.array(callSchema))
      .nullish(),
    tool_call_id: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -').nullish(),
    function_call: z.object({ name: z.string().regex(NAME, 'malformed'), arguments: z.string() }).nullish(),
    name: z.unknown().optional(),
    audio: z.unknown().optional(),
  })
  .refine(({ role, tool_call_id }) => role !== 'tool' || tool_call_id != null, {
    message: 'missing in a message of role tool',
    path: ['tool_call_id'],
  })

type Message = z.infer<typeof messageSchema>

/**
 * Messages as engines take them. A call of a function, as it was before tools, becomes a call with an id, and what the
 * function said its result. @throws `API_UNSUPPORTED` for parts that are no text, `API_INVALID` for a result of no call
 */
export function toMessages(messages: readonly Message[]): ChatMessage[] {
  let last: { name: string; id: string } | undefined
  return messages.map((message, index) => {
    if (message.function_call != null) {
      if (message.role !== 'assistant' || message.tool_calls?.length)
        throw new ApiError('API_INVALID', `messages.${index}.function_call: out of place`, 'messages')
      const { name, arguments: given } = message.function_call
      last = { name, id: `call_${index}` }
      const toolCalls = [{ id: last.id, name, arguments: argumentsOf(given) }]
      return { ...toMessage({ ...message, function_call: null }), toolCalls }
    }
    if (message.role !== 'function') return toMessage(message)
    if (last === undefined || message.name !== last.name)
      throw new ApiError('API_INVALID', `messages.${index}.name: this function was not called`, 'messages')
    return toMessage({ ...message, role: 'tool', tool_call_id: last.id })
  })
}

function toMessage(message: Message): ChatMessage {
  if (message.audio != null) throw unsupported('messages', 'messages with audio are not offered')
  const { tool_calls, tool_call_id } = message
  const role = message.role === 'function' ? 'tool' : message.role
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

function isPart(value: unknown): value is TextPart {
  if (typeof value !== 'object' || value === null) return false
  const { type, text, refusal } = value as Record<string, unknown>
  return isText(type) && [text, refusal].every((one) => one === undefined || isText(one))
}
