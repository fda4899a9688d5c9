import type { CommandContext } from '../framework/index.ts'
import { createProgress, formatClock, printableJson, printableLine } from '../terminal/index.ts'

/** Events of the API's transcript stream. */
export type TranscriptEvents = AsyncIterable<Record<string, unknown>>

/** Words as they come, or with `--json` one event a line. */
export async function printEvents(context: CommandContext, events: TranscriptEvents): Promise<void> {
  const to = context.foreign()
  let isEmpty = true
  try {
    for await (const event of events) {
      if (context.global.json) await context.io.stdout.write(`${printableJson(event)}\n`)
      const { type, delta } = event
      if (context.global.json || type !== 'transcript.text.delta' || typeof delta !== 'string') continue
      isEmpty &&= delta === ''
      await to.write(delta)
    }
    if (isEmpty && !context.global.json) await to.write('\n')
  } finally {
    await to.end()
  }
}

/**
 * A long recording in front of somebody: a line says how much of it is done. On a terminal each stretch of speech has
 * a line of its own as soon as it is understood, with when it begins; a pipe gets the plain text, once it is whole.
 * @param seconds of the recording, once its header is known
 */
export async function followEvents(
  context: CommandContext,
  events: TranscriptEvents,
  seconds: () => number | undefined,
): Promise<void> {
  const { stdout, stderr, now } = context.io
  const total = seconds()
  const progress = createProgress({
    sink: stderr,
    label: 'understood',
    quiet: context.global.quiet,
    format: formatClock,
    now,
    ...(total !== undefined && { total }),
  })
  context.onExit(() => progress.end())
  let done = 0
  let text = ''
  let lines = 0
  for await (const event of events) {
    if (event['type'] === 'transcript.text.done' && typeof event['text'] === 'string') text = event['text']
    if (event['type'] !== 'transcript.text.segment' || typeof event['text'] !== 'string') continue
    const [start, end] = [Number(event['start']), Number(event['end'])]
    if (stdout.isTerminal) {
      progress.clear()
      // One line each, whatever is in it.
      context.out(`${context.style.out.dim(formatClock(start))}  ${printableLine(event['text'].trim())}`)
      lines++
    }
    progress.advance(Math.max(0, end - done))
    done = Math.max(done, end)
  }
  progress.end()
  if (lines > 0) return
  const to = context.foreign()
  await to.write(text === '' ? '\n' : text)
  await to.end()
}
