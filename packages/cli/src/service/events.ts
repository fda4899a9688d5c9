import { readServerSentEvents } from '@sotto/client'
import { cliError } from '../errors.ts'
import { errorOfEnvelope } from './service-error.ts'

/**
 * JSON events of a streamed answer up to its verified end; the end mark is not yielded.
 * @throws `CLI_SERVICE` an error event, or one that is not a JSON object; client codes when the answer was cut
 */
export async function* readEvents(
  response: Response,
): AsyncGenerator<Record<string, unknown>, { done: boolean }> {
  let done = false
  for await (const data of readServerSentEvents(response.body!)) {
    // What follows the mark is padding; reading on verifies that nothing was cut.
    if (data === '[DONE]') done = true
    if (!done) yield parseEvent(data)
  }
  return { done }
}

function parseEvent(data: string): Record<string, unknown> {
  let event: unknown
  try {
    event = JSON.parse(data)
  } catch {
    // Without the cause: the parser's message quotes the answer.
    throw cliError('CLI_SERVICE', 'the service sent an event that is not JSON')
  }
  if (typeof event !== 'object' || event === null)
    throw cliError('CLI_SERVICE', 'the service sent an event that is no object')
  if ((event as { error?: unknown }).error !== undefined) throw errorOfEnvelope('CLI_SERVICE', event)
  return event as Record<string, unknown>
}
