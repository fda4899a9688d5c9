import { SottoError } from '@sotto/protocol/errors'
import { type CommandContext, EXIT } from '../framework/index.ts'
import { type LineReader, readLines } from '../input/index.ts'
import { completeCommand, type Typed } from './commands.ts'
import { continueConversation, type Conversation } from './conversation.ts'

/** What a person at a terminal does besides typing. */
export interface Desk {
  readonly lines: LineReader
  /** A signal for work that Ctrl-C stops; {@link done} when it is over. */
  working(): AbortSignal
  done(): void
  /** Whether Ctrl-C ended it. */
  readonly isInterrupted: boolean
}

/**
 * Opens the terminal. Ctrl-C stops what is being worked on; the next one, or one at an empty prompt, leaves. So does
 * Ctrl-D.
 */
export function openDesk(context: CommandContext): Desk {
  let work: AbortController | undefined
  let isInterrupted = false
  const lines = readLines(context.io, {
    onInterrupt() {
      if (work?.signal.aborted === false) return work.abort()
      isInterrupted = true
      lines.close()
    },
    onLeave: () => work?.abort(),
    complete: completeCommand,
  })
  context.onExit(() => lines.close())
  context.signal.addEventListener('abort', () => lines.close(), { once: true })
  return {
    lines,
    working() {
      work = new AbortController()
      return work.signal
    },
    done: () => void (work = undefined),
    get isInterrupted() {
      return isInterrupted || context.signal.aborted
    },
  }
}

/**
 * The loop of a conversation at a terminal. What fails is said and forgotten, as long as trying again is safe.
 * @param next what was typed and understood, or said; undefined ends it
 * @returns the exit code: that of the last answer, 130 after Ctrl-C
 */
export async function converse(
  context: CommandContext,
  conversation: Conversation,
  desk: Desk,
  next: () => Promise<Typed | undefined>,
): Promise<number> {
  let code: number = EXIT.ok
  for (;;) {
    let isAnswer = false
    try {
      const what = await next()
      if (what === undefined) return desk.isInterrupted ? EXIT.interrupted : code
      if (what.kind === 'quit') return EXIT.ok
      if (what.kind === 'command') await what.run(context, conversation)
      if (what.kind !== 'question') continue
      isAnswer = true
      code = EXIT.ok
      await continueConversation(context, conversation, what.text, desk.working())
    } catch (error) {
      // A chain that does not hold any more, a forged receipt and our own mistakes end it.
      if (!(error instanceof SottoError) || error.action === 'stop') throw error
      const failed = await context.reportFailure(error)
      if (isAnswer) code = failed
    } finally {
      desk.done()
    }
  }
}
