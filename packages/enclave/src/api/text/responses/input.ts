import { z } from 'zod'
import type { ChatMessage } from '../../../engines/types.ts'
import { ApiError, unsupported } from '../../openai/errors.ts'
import { argumentsOf, contentSchema, textOf } from '../messages.ts'
import { NAME } from '../tool-fields.ts'

const messageItem = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: contentSchema,
})

const callItem = z.object({
  call_id: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -'),
  name: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -'),
  arguments: z.string(),
})

const outputItem = z.object({
  call_id: z.string().regex(NAME, 'not 1 to 64 of letters, digits, _ and -'),
  output: contentSchema,
})

/** A text, or items; what an item is depends on its type. */
export const inputSchema = z.union([
  z.string().min(1),
  z
    .array(z.object({ type: z.string().max(64).optional() }).loose())
    .min(1)
    .max(4096),
])

/**
 * The conversation of an input: calls that follow each other are one turn of the assistant.
 * @throws `API_UNSUPPORTED` for items of other types, `API_INVALID`
 */
export function toMessages(input: z.infer<typeof inputSchema>): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const messages: ChatMessage[] = []
  for (const [index, item] of input.entries()) {
    switch (item.type ?? 'message') {
      case 'message': {
        const { role, content } = checked(messageItem, item, index)
        messages.push({ role, content: textOf(content, 'input') })
        break
      }
      case 'function_call': {
        const call = checked(callItem, item, index)
        const toolCall = { id: call.call_id, name: call.name, arguments: argumentsOf(call.arguments) }
        const last = messages.at(-1)
        if (last?.role === 'assistant')
          messages[messages.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), toolCall] }
        else messages.push({ role: 'assistant', content: '', toolCalls: [toolCall] })
        break
      }
      case 'function_call_output': {
        const { call_id, output } = checked(outputItem, item, index)
        messages.push({ role: 'tool', content: textOf(output, 'input'), toolCallId: call_id })
        break
      }
      default:
        throw unsupported('input', `items of type ${String(item.type).slice(0, 32)} are not offered`)
    }
  }
  return messages
}

function checked<Schema extends z.ZodType>(schema: Schema, item: unknown, index: number): z.infer<Schema> {
  const result = schema.safeParse(item)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = ['input', index, ...(issue?.path ?? [])].join('.')
  throw new ApiError('API_INVALID', `${path}: ${issue?.message ?? 'malformed'}`, path)
}
