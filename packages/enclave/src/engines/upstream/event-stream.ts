import { engineError } from '../errors.ts'
import { MAX_ANSWER_BYTES, MAX_ANSWER_EVENTS } from '../host/answer-bounds.ts'

/** Characters of one event at most: a token with its alternatives is a few thousand. */
const MAX_EVENT_LENGTH = 1024 * 1024
/** Lines for each event at most, comments included: looking at them costs time, not space. */
const LINES_PER_EVENT = 3

/**
 * The JSON values of the `data` lines of an event stream (WHATWG HTML, Section 9.2), up to `[DONE]` or its end. Other fields
 * and comments are skipped. What sends it is not trusted.
 * @throws `ENGINE_PROTOCOL` for what is no UTF-8 or no JSON, or ends inside an event; `ENGINE_ANSWER_TOO_LARGE`
 */
export async function* parseEvents(
  chunks: AsyncIterable<Uint8Array>,
  maxEvents: number = MAX_ANSWER_EVENTS,
): AsyncGenerator<unknown, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest: string[] = []
  let data: string[] = []
  let [bytes, events, lineCount, restLength, dataLength] = [0, 0, 0, 0, 0]
  for await (const chunk of chunks) {
    bytes += chunk.length
    const lines = decode(decoder, chunk).split('\n')
    const last = lines.pop()!
    for (const piece of lines) {
      // Joined once per line and never searched again: a sender of single bytes costs no more than any other.
      const line = withoutReturn(rest.join('') + piece)
      ;[rest, restLength] = [[], 0]
      requireBound(++lineCount <= LINES_PER_EVENT * maxEvents)
      if (line.startsWith('data:')) {
        dataLength += line.length
        requireBound(dataLength <= MAX_EVENT_LENGTH)
        data.push(line.slice(line.startsWith('data: ') ? 6 : 5))
      }
      if (line !== '' || data.length === 0) continue
      const text = data.join('\n')
      ;[data, dataLength] = [[], 0]
      if (text === '[DONE]') return
      requireBound(++events <= maxEvents)
      yield parse(text)
    }
    rest.push(last)
    restLength += last.length
    requireBound(bytes <= MAX_ANSWER_BYTES && restLength <= MAX_EVENT_LENGTH)
  }
  if (restLength > 0 || data.length > 0)
    throw engineError('ENGINE_PROTOCOL', 'the event stream of the model server ends inside an event')
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function decode(decoder: TextDecoder, chunk: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: true })
  } catch {
    throw engineError('ENGINE_PROTOCOL', 'the event stream of the model server is not UTF-8')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw engineError('ENGINE_PROTOCOL', 'an event of the model server is not JSON')
  }
}

function requireBound(isKept: boolean): void {
  if (!isKept)
    throw engineError(
      'ENGINE_ANSWER_TOO_LARGE',
      'the answer of the model server is too large; it was stopped',
    )
}
