import { refusalIn } from './read-refusal.ts'

/** One event of a stream. @throws `SottoError` for what is no JSON object, and in the service's words for an error */
export function readEvent(data: string): Record<string, unknown> {
  const event = parse(data)
  if (event['error']) throw refusalIn(event, true, 'the answer was cut')
  return event
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Without the cause: the parser's message quotes the answer.
  }
  throw refusalIn(undefined, true, 'the service sent what is no JSON object')
}
