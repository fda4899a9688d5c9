import { engineError } from '../errors.ts'
import type { EngineOperation } from '../types.ts'

/**
 * A hostile model can make its engine talk for ever, and what it says is gathered for answers that are no
 * stream. Beyond what any honest answer needs (a day of speech with words, times and log-probabilities is about
 * 40 MiB in 200 000 events), a call is ended.
 */

/** Bytes of one answer's events at most, frames counted. */
export const MAX_ANSWER_BYTES: number = 64 * 1024 * 1024
/** Events of one answer at most. */
export const MAX_ANSWER_EVENTS = 500_000

/** Operations that answer with events. The others answer with one item, which the channel bounds. */
const STREAMING: ReadonlySet<EngineOperation> = new Set(['transcribe', 'generate', 'summarize'])

/** Counts the events of one answer. Told how many bytes have come in all. @throws `ENGINE_ANSWER_TOO_LARGE` */
export function answerBounds(operation: EngineOperation): (bytes: number) => void {
  if (!STREAMING.has(operation)) return () => {}
  let events = 0
  return (bytes) => {
    events++
    if (events <= MAX_ANSWER_EVENTS && bytes <= MAX_ANSWER_BYTES) return
    throw engineError('ENGINE_ANSWER_TOO_LARGE', 'the answer of this model is too large; it was stopped', {
      expected: `at most ${MAX_ANSWER_EVENTS} events and ${MAX_ANSWER_BYTES} bytes`,
    })
  }
}
