import { clientError } from '../errors.ts'
import { doneMark } from './done-mark.ts'
import type { ExchangeEnd, InnerResponse } from './exchange.ts'

/** Statuses without content (Fetch standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** What may follow the end mark of an event stream: padding. */
const MAX_DRAINED_BYTES = 64 * 1024

/** A `Response` and what is known once its body was read to the end. */
export interface TrackedResponse {
  response: Response
  /** Rejects when the body is cut or the reader leaves early. */
  end: Promise<ExchangeEnd>
}

/** Makes the enclave's answer a `Response` that streams. @throws `RESPONSE_INVALID` content where there is none */
export async function toResponse(inner: InnerResponse): Promise<TrackedResponse> {
  const headers = new Headers()
  for (const [name, value] of inner.fields) headers.append(name, value)
  const init = { status: inner.status, headers }
  if (NULL_BODY.has(inner.status)) {
    const { done, value } = await inner.content.next()
    if (done) return { response: new Response(null, init), end: Promise.resolve(value) }
    inner.abort()
    throw clientError('RESPONSE_INVALID', 'the answer has content where its status allows none')
  }
  const { promise: end, resolve, reject } = Promise.withResolvers<ExchangeEnd>()
  // Most callers never ask for the receipt; a cut body reaches them through the body.
  end.catch(() => {})
  const body = bodyOf(inner, headers.get('content-type') ?? '', resolve, reject)
  return { response: new Response(body as BodyInit, init), end }
}

function bodyOf(
  inner: InnerResponse,
  contentType: string,
  resolve: (end: ExchangeEnd) => void,
  reject: (reason: unknown) => void,
): ReadableStream<Uint8Array> {
  const mark = doneMark(contentType)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await inner.content.next()
          if (done) {
            resolve(value)
            controller.close()
          } else {
            mark.update(value)
            controller.enqueue(value)
          }
        } catch (error) {
          reject(error)
          throw error
        }
      },
      cancel() {
        if (mark.seen) void drain(inner).then(resolve, reject)
        else leave(inner, reject)
      },
    },
    // Nothing is decrypted before it is asked for.
    { highWaterMark: 0 },
  )
}

function leave(inner: InnerResponse, reject: (reason: unknown) => void): void {
  reject(clientError('RESPONSE_TRUNCATED', 'the body was not read to its end'))
  inner.abort()
  inner.content.return(undefined as never).catch(() => {})
}

/** Reads on to the verified end for a reader who has all it wanted. */
async function drain(inner: InnerResponse): Promise<ExchangeEnd> {
  for (let drained = 0; drained <= MAX_DRAINED_BYTES;) {
    const { done, value } = await inner.content.next()
    if (done) return value
    drained += value.length
  }
  inner.abort()
  throw clientError('RESPONSE_TRUNCATED', 'the stream went on after its end mark')
}
