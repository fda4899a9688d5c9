import { parseEvent } from '@sotto/client/sse'
import { words } from '../words/index.ts'
import { refusalIn } from './read-refusal.ts'

/** One event of a stream. @throws `RESPONSE_INVALID` for what is no JSON object; in the service's words for an error */
export function readEvent(data: string): Record<string, unknown> {
  const event = parseEvent(data)
  if (event['error']) throw refusalIn(event, true, words.trouble.cut)
  return event
}
