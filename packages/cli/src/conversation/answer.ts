import type { Sotto } from '@sotto/client'
import { cliError, ServiceError } from '../errors.ts'
import { postJson, readEvents } from '../service/index.ts'
import type { ForeignText } from '../terminal/index.ts'

/** One turn as the API has it. */
export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** What goes with every question. Absent: the service decides. */
export interface ChatOptions {
  model: string | undefined
  temperature: number | undefined
  max_tokens: number | undefined
}

/** One question in its context. */
export interface Question {
  options: ChatOptions
  messages: readonly Message[]
  signal: AbortSignal
  /** Where the answer goes as it comes; absent: nowhere. */
  to?: ForeignText | undefined
}

/** A whole answer. */
export interface Answer {
  text: string
  response: Response
}

/**
 * One streamed answer. What was printed before it failed or was stopped ends its line all the same.
 * @throws `CLI_SERVICE` it ended without its end mark; as `postJson`
 */
export async function ask(sotto: Sotto, { options, messages, signal, to }: Question): Promise<Answer> {
  const response = await postJson(sotto, '/chat/completions', { ...options, messages, stream: true }, signal)
  const events = readEvents(response)
  let text = ''
  try {
    for (;;) {
      const { done, value } = await events.next()
      if (done && !value.done) throw cliError('CLI_SERVICE', 'the answer ended without its end mark')
      if (done) {
        if (text === '') await to?.write('\n')
        return { text, response }
      }
      const delta = deltaOf(value)
      text += delta
      await to?.write(delta)
    }
  } finally {
    await to?.end()
  }
}

/**
 * Asks with the whole conversation, and when the service says that it is too long, without its oldest turns: one, three,
 * seven, until it fits. A turn is what was asked and what was answered; the last question always stays.
 */
export async function askWhatFits(
  turns: readonly Message[],
  askWith: (turns: readonly Message[]) => Promise<Answer>,
): Promise<Answer & { kept: readonly Message[] }> {
  for (let dropped = 0; ; dropped = dropped * 2 + 1) {
    const kept = turns.slice(Math.min(dropped * 2, turns.length - 1))
    try {
      return { ...(await askWith(kept)), kept }
    } catch (error) {
      const isTooLong = error instanceof ServiceError && error.service.code === 'context_length_exceeded'
      if (!isTooLong || kept.length === 1) throw error
    }
  }
}

function deltaOf(event: { choices?: { delta?: { content?: unknown } }[] }): string {
  const content = event.choices?.[0]?.delta?.content
  return typeof content === 'string' ? content : ''
}
