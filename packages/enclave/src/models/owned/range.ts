import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, get as httpsGet } from 'node:https'

/** Kept between the blocks of a file; as many as one file has under way, and some for another. */
const KEPT = { keepAlive: true, maxFreeSockets: 8 }
const AGENTS = { http: new HttpAgent(KEPT), https: new HttpsAgent(KEPT) }

/** What an answer that is no range says, at most. */
const MAX_REFUSAL_BYTES = 65_536

/** An answer to a range request: the bytes, or what came instead of them. */
export type RangeAnswer =
  | { readonly bytes: Uint8Array }
  | { readonly status: number; readonly said: Uint8Array }

/**
 * Reads a range of a file over HTTP, each byte straight into its place. Not by `fetch`, which takes more processor time for
 * the same bytes, and reading them is much of what loading a sealed model costs. Redirects are not followed, and nothing is
 * unpacked.
 * @throws Error when there is no answer, or it holds more or fewer bytes than were asked for; whatever aborted `signal`
 */
export function readRange(
  url: URL,
  start: number,
  length: number,
  signal: AbortSignal,
): Promise<RangeAnswer> {
  return ask(url, start, length, signal, true)
}

function ask(
  url: URL,
  start: number,
  length: number,
  signal: AbortSignal,
  isKept: boolean,
): Promise<RangeAnswer> {
  const isSecure = url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const options = {
      agent: isKept && (isSecure ? AGENTS.https : AGENTS.http),
      headers: { range: `bytes=${start}-${start + length - 1}` },
      signal,
    }
    const onAnswer = (answer: IncomingMessage): void => {
      const isRange = answer.statusCode === 206
      const into = new Uint8Array(isRange ? length : MAX_REFUSAL_BYTES)
      let filled = 0
      answer.on('data', (part: Buffer) => {
        if (filled + part.length > into.length)
          return void answer.destroy(new Error('more than was asked for'))
        into.set(part, filled)
        filled += part.length
      })
      answer.on('error', reject)
      answer.on('close', () => {
        if (!answer.complete) reject(signal.aborted ? (signal.reason as Error) : new Error('it hung up'))
        else if (!isRange) resolve({ status: answer.statusCode ?? 0, said: into.subarray(0, filled) })
        else if (filled === length) resolve({ bytes: into })
        else reject(new Error(`${filled} bytes of ${length}`))
      })
    }
    const request = isSecure ? httpsGet(url, options, onAnswer) : httpGet(url, options, onAnswer)
    request.on('error', (error: NodeJS.ErrnoException) => {
      // A connection that the server closed in the moment in which it was taken again: nothing was answered, so ask anew.
      const isStale = isKept && request.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted
      if (isStale) resolve(ask(url, start, length, signal, false))
      else reject(error)
    })
  })
}
