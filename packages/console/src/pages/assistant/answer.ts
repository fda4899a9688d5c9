import { hasCode } from '@sotto/protocol/errors'
import type { Sotto } from '@sotto/client'
import type { KeptMessage } from '../../keep/index.ts'
import { ask, isTooLong } from './ask.ts'
import { askWhatFits, chatMessages, forgottenBefore, turnsToSend } from './conversation.ts'

/** Aborts an answer that the network has cut, though its connection does not know yet. */
export class NetworkLost extends Error {}

/** What is asked. */
export interface Question {
  sotto: () => Sotto
  /** All of the conversation. */
  messages: readonly KeptMessage[]
  /** Id of the question among them. */
  question: string
  /** The answer before its first word. */
  empty: KeptMessage
  signal: AbortSignal
  /** The answer as it grows, then as it ended (`end`), then once more with what its receipt says. */
  onChange: (answer: KeptMessage) => void
  onPiece: (piece: string) => void
}

/**
 * Has a question answered. What came before an error is kept, as `cut`; what came before a stop as `stopped`.
 * @returns what cut it
 */
export async function answerTo(asked: Question): Promise<unknown> {
  const { messages, question, signal, onChange } = asked
  const started = performance.now()
  const forgotten = forgottenBefore(messages)
  let answer: KeptMessage = { ...asked.empty, ...(forgotten !== undefined && { readsFrom: forgotten }) }
  const over = (more: Partial<KeptMessage>): void => {
    answer = { ...answer, ...more, tookMs: Math.round(performance.now() - started) }
    onChange(answer)
  }
  try {
    const sotto = asked.sotto()
    const turns = turnsToSend(messages, question)
    const { response, model, end } = await askWhatFits(
      turns,
      (kept) => {
        if (kept.length < turns.length) answer = { ...answer, readsFrom: kept[0]!.question.id }
        return ask(sotto, chatMessages(kept), signal, (piece) => {
          answer = { ...answer, text: answer.text === '' ? piece.trimStart() : answer.text + piece }
          onChange(answer)
          asked.onPiece(piece)
        })
      },
      isTooLong,
    )
    over({ end, ...(model !== undefined && { model }) })
    onChange({ ...answer, receipt: await receiptOf(sotto, response) })
    return undefined
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error
    const isStopped = signal.aborted && !(reason instanceof NetworkLost)
    over({ end: isStopped ? 'stopped' : 'cut' })
    return isStopped ? undefined : reason
  }
}

async function receiptOf(sotto: Sotto, response: Response): Promise<NonNullable<KeptMessage['receipt']>> {
  try {
    await sotto.receiptOf(response)
    return 'verified'
  } catch (error) {
    const isMissing = hasCode(error, 'RECEIPT_MISSING') || hasCode(error, 'RECEIPT_UNPROVEN')
    return isMissing ? 'missing' : 'invalid'
  }
}
