import { clientError } from '../errors.ts'
import { chunksOf } from '../streams.ts'

/** Longest event, in characters; a chat event is about 300. */
const MAX_EVENT_LENGTH = 1024 * 1024

/**
 * `data` of each server-sent event of a body (WHATWG HTML Section 9.2); comments and other fields are
 * skipped. An event that is not ended by a blank line is not yielded.
 * @throws `RESPONSE_INVALID` an event over 1 MiB; `TypeError` bytes that are not UTF-8; what the body throws when it is cut
 */
export async function* readServerSentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = []
  let length = 0
  for await (const line of linesOf(body)) {
    if (line === '') {
      if (data.length > 0) yield data.join('\n')
      data = []
      length = 0
    } else if (line === 'data' || line.startsWith('data:')) {
      // Empty lines of data count too: an event that never ends must not grow for ever.
      length += line.length
      if (length > MAX_EVENT_LENGTH) throw tooLong()
      data.push(line.slice(5).replace(/^ /, ''))
    }
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of chunksOf(body)) {
    rest += decoder.decode(chunk, { stream: true })
    // A carriage return at the very end may be the first half of CRLF.
    const complete = rest.endsWith('\r') ? rest.slice(0, -1) : rest
    const lines = complete.split(/\r\n|\r|\n/)
    rest = lines.pop()! + rest.slice(complete.length)
    if (rest.length > MAX_EVENT_LENGTH) throw tooLong()
    yield* lines
  }
}

function tooLong(): Error {
  return clientError('RESPONSE_INVALID', 'an event of the stream is too long')
}
