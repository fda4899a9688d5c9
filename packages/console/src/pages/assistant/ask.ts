import { type Sotto, readServerSentEvents } from '@sotto/client'
import { hasCode } from '@sotto/protocol/errors'
import { readEvent, refusalIn, refusalOf } from '../../service/index.ts'
import { words } from '../../words/index.ts'
import type { ChatMessage } from './conversation.ts'

/** Whether an error says that the model was given more than it reads. */
export function isTooLong(error: unknown): boolean {
  return hasCode(error, 'CONTEXT_LENGTH_EXCEEDED')
}

/** How an answer ended that ended well. */
export interface Asked {
  /** Its receipt is had by this. */
  response: Response
  model: string | undefined
  end: 'whole' | 'length'
}

interface ChatEvent {
  model?: unknown
  choices?: { delta?: { content?: unknown } | null; finish_reason?: unknown }[]
}

/**
 * Asks for one streamed answer.
 *
 * @param onText called with each piece as it comes; what came before an error is authentic, and incomplete
 * @throws what the service says, with its code; what `Sotto.fetch` throws; the reason of the signal
 */
export async function ask(
  sotto: Sotto,
  messages: readonly ChatMessage[],
  signal: AbortSignal,
  onText: (piece: string) => void,
): Promise<Asked> {
  const response = await sotto.fetch(`${sotto.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages, stream: true }),
    signal,
  })
  if (!response.ok) throw await refusalOf(response)
  let model: string | undefined
  let end: Asked['end'] | undefined
  let isDone = false
  for await (const data of readServerSentEvents(response.body!)) {
    // What follows the mark is padding; reading on proves that nothing was cut.
    if (data === '[DONE]') isDone = true
    if (isDone) continue
    const event = readEvent(data) as ChatEvent
    if (typeof event.model === 'string') model = event.model
    const choice = event.choices?.[0]
    if (typeof choice?.finish_reason === 'string')
      end = choice.finish_reason === 'length' ? 'length' : 'whole'
    if (typeof choice?.delta?.content === 'string') onText(choice.delta.content)
  }
  if (!isDone) throw refusalIn(undefined, true, words.trouble.cut)
  return { response, model, end: end ?? 'whole' }
}
