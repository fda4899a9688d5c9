import type { KeptConversation, KeptMessage } from '../../keep/index.ts'

/** What a model reads. */
export interface ChatMessage {
  role: 'user' | 'assistant'
  content: string
}

/** A question and what came of it. */
export interface Turn {
  question: KeptMessage
  answer: KeptMessage | undefined
}

const MAX_TITLE = 60

/** A conversation in which nothing was said. */
export function newConversation(now: number, id: string): KeptConversation {
  return { id: `${String(now).padStart(15, '0')}-${id}`, title: '', at: now, messages: [] }
}

/** The beginning of what was asked first, ended at a word. */
export function titleOf(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  if (line.length <= MAX_TITLE) return line
  const cut = line.slice(0, MAX_TITLE)
  const end = cut.lastIndexOf(' ')
  return `${end > MAX_TITLE / 2 ? cut.slice(0, end) : cut} …`
}

/** With `message` in the place of the one of the same id, or at the end. */
export function withMessage(conversation: KeptConversation, message: KeptMessage): KeptConversation {
  const isKnown = conversation.messages.some(({ id }) => id === message.id)
  return {
    ...conversation,
    at: Math.max(conversation.at, message.at),
    title: conversation.title === '' ? titleOf(message.text) : conversation.title,
    messages: isKnown
      ? conversation.messages.map((one) => (one.id === message.id ? message : one))
      : [...conversation.messages, message],
  }
}

/** Questions, each with its answer if one came. */
export function turnsOf(messages: readonly KeptMessage[]): Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    const last = turns.at(-1)
    if (message.role === 'user') turns.push({ question: message, answer: undefined })
    else if (last !== undefined) turns[turns.length - 1] = { ...last, answer: message }
  }
  return turns
}

/**
 * Turns that a model is given for the question `asked`: those before it that have an answer, from the place where the latest
 * answer began to read, for what did not fit then does not fit now.
 */
export function turnsToSend(messages: readonly KeptMessage[], asked: string): Turn[] {
  const turns = turnsOf(messages)
  const at = turns.findIndex(({ question }) => question.id === asked)
  const earlier = turns.slice(0, Math.max(0, at))
  const reads = earlier.findLast(({ answer }) => answer?.readsFrom !== undefined)?.answer?.readsFrom
  const from = Math.max(
    0,
    earlier.findIndex(({ question }) => question.id === reads),
  )
  const answered = earlier.slice(from).filter(({ answer }) => answer !== undefined && answer.text !== '')
  return [...answered, { question: turns[at]!.question, answer: undefined }]
}

/** The messages of turns, in the words of the API. */
export function chatMessages(turns: readonly Turn[]): ChatMessage[] {
  return turns.flatMap(({ question, answer }): ChatMessage[] => [
    { role: 'user', content: question.text },
    ...(answer ? [{ role: 'assistant', content: answer.text } as const] : []),
  ])
}

/**
 * Asks with all turns, and when they are too long without the oldest: one, three, seven, until they fit. The last, which
 * is the question, always stays.
 *
 * @param isTooLong whether an error says that the turns do not fit
 */
export async function askWhatFits<Answer>(
  turns: readonly Turn[],
  ask: (turns: readonly Turn[]) => Promise<Answer>,
  isTooLong: (error: unknown) => boolean,
): Promise<Answer> {
  for (let dropped = 0; ; dropped = dropped * 2 + 1) {
    const kept = turns.slice(Math.min(dropped, turns.length - 1))
    try {
      return await ask(kept)
    } catch (error) {
      if (!isTooLong(error) || kept.length === 1) throw error
    }
  }
}

/** Id of the message above which the model reads no more; undefined while it reads all. */
export function forgottenBefore(messages: readonly KeptMessage[]): string | undefined {
  const reads = messages.findLast(({ readsFrom }) => readsFrom !== undefined)?.readsFrom
  return reads === messages[0]?.id ? undefined : reads
}
