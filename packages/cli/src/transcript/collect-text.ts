import { cliError } from '../errors.ts'
import type { ForeignText } from '../terminal/index.ts'
import type { TranscriptEvents } from './print-events.ts'

/**
 * The text of a stream of events, which shows as it comes.
 * @throws `CLI_SERVICE` it ended without its text; what the stream throws
 */
export async function collectText(events: TranscriptEvents, to: ForeignText): Promise<string> {
  let text: string | undefined
  try {
    for await (const { type, delta, text: whole } of events) {
      if (type === 'transcript.text.delta' && typeof delta === 'string') await to.write(delta)
      if (type === 'transcript.text.done' && typeof whole === 'string') text = whole
    }
  } finally {
    await to.end()
  }
  if (text === undefined) throw cliError('CLI_SERVICE', 'the service ended a transcription without its text')
  return text.trim()
}
