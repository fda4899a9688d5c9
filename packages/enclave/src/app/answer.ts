import type { IncomingMessage } from 'node:http'
import { appError } from './errors.ts'

/** Headers of an answer. */
export const MAX_ANSWER_HEADERS = 128

/**
 * Connection matters, which the gateway settles itself; and what it says to clients in its own name: the time, the number
 * of an answer, whether a request may be sent again, and everything about tokens and receipts. A client that is told that
 * its token is void spends another one.
 */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'www-authenticate',
  'x-request-id',
  'x-should-retry',
])
const GATEWAY_NAMES = /^sotto-/
/** What goes into an encrypted answer as it is (RFC 9292). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * The answer of an app, which controls all of it: chunk by chunk as it comes, and a failed stream where it is cut.
 * @param onEnd called when nothing more comes of it, before whoever reads it is told
 * @throws `APP_ANSWER_MALFORMED`
 */
export function toResponse(incoming: IncomingMessage, onEnd: () => void): Response {
  const status = incoming.statusCode ?? 0
  if (status < 200 || status > 599) throw malformed('its status')
  const headers = headersOf(incoming)
  if (!WITHOUT_BODY.has(status)) return new Response(bodyOf(incoming, onEnd), { status, headers })
  incoming.resume()
  onEnd()
  return new Response(null, { status, headers })
}

function headersOf({ rawHeaders, headers: { connection } }: IncomingMessage): Headers {
  if (rawHeaders.length > 2 * MAX_ANSWER_HEADERS) throw malformed('the number of its headers')
  const ofConnection = new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const headers = new Headers()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!.toLowerCase(), rawHeaders[at + 1]!]
    if (DROPPED.has(name) || GATEWAY_NAMES.test(name) || ofConnection.has(name)) continue
    if (!VALUE.test(value)) throw malformed('a header')
    try {
      headers.append(name, value)
    } catch {
      throw malformed('a header')
    }
  }
  return headers
}

function bodyOf(incoming: IncomingMessage, onEnd: () => void): ReadableStream<Uint8Array> {
  const chunks = incoming.iterator() as AsyncIterator<Buffer, undefined>
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next().catch((cause: unknown) => {
          onEnd()
          throw appError('APP_NO_ANSWER', 'the app broke off its answer', { cause })
        })
        if (!done) return controller.enqueue(new Uint8Array(value))
        onEnd()
        controller.close()
      },
      cancel() {
        incoming.destroy()
        onEnd()
      },
    },
    { highWaterMark: 0 },
  )
}

function malformed(what: string): Error {
  return appError('APP_ANSWER_MALFORMED', `the app gave an answer that cannot be passed on: ${what}`)
}
