import type { Sotto } from '@sotto/client'
import { type CommandContext, isAbort } from '../framework/index.ts'
import { finishReceipt } from '../service/index.ts'
import { ask, askWhatFits, type ChatOptions, type Message } from './answer.ts'

/** A conversation. It is in memory, and nowhere else. */
export interface Conversation {
  readonly sotto: Sotto
  /** May change between questions. */
  readonly options: ChatOptions
  system: string | undefined
  /** Questions and answers in turn, oldest first. */
  turns: readonly Message[]
}

/** Begins one. */
export function beginConversation(
  sotto: Sotto,
  options: ChatOptions,
  system: string | undefined,
): Conversation {
  return { sotto, options: { ...options }, system, turns: [] }
}

/**
 * Asks, prints the answer as it comes, checks its receipt and remembers both. An answer that was stopped or failed
 * is forgotten with its question.
 * @param stop ends the answer. @returns whether it came to its end @throws as `ask` and `finishReceipt`
 */
export async function continueConversation(
  context: CommandContext,
  conversation: Conversation,
  question: string,
  stop: AbortSignal,
): Promise<boolean> {
  const { sotto, options } = conversation
  const system = systemMessages(conversation)
  const turns: Message[] = [...conversation.turns, { role: 'user', content: question }]
  const signal = AbortSignal.any([stop, context.signal])
  try {
    const { kept, text, response } = await askWhatFits(turns, (some) =>
      ask(sotto, { options, messages: [...system, ...some], signal, to: context.foreign() }),
    )
    const dropped = (turns.length - kept.length) / 2
    if (dropped > 0)
      context.warn(`the context is full: dropped the oldest ${dropped === 1 ? 'turn' : `${dropped} turns`}`)
    await finishReceipt(context, sotto, response, undefined)
    conversation.turns = [...kept, { role: 'assistant', content: text }]
    return true
  } catch (error) {
    if (!isAbort(error) || context.signal.aborted) throw error
    context.note('stopped; the unfinished answer is forgotten')
    return false
  }
}

/** The instructions for the model, as the API has them. */
export function systemMessages({ system }: Pick<Conversation, 'system'>): Message[] {
  return system === undefined ? [] : [{ role: 'system', content: system }]
}
