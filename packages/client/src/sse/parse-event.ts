import { clientError } from '../errors.ts'

/** The JSON object that an event carries. @throws `RESPONSE_INVALID` for anything else, without quoting it */
export function parseEvent(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Without the cause: the parser's message quotes the answer.
  }
  throw clientError('RESPONSE_INVALID', 'the service sent an event that is no JSON object')
}
