import { clientError } from '../errors.ts'
import { streamOf } from '../streams.ts'
import type { ExchangeEnd, InnerResponse } from './exchange.ts'

/** Statuses without content (Fetch standard, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304])

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
  const { promise: end, resolve, reject } = Promise.withResolvers<ExchangeEnd>()
  // Most callers never ask for the receipt; a cut body reaches them through the body.
  end.catch(() => {})
  const content = watch(inner.content, resolve, reject)
  if (!NULL_BODY.has(inner.status))
    return { response: new Response(streamOf(content, inner.abort) as BodyInit, init), end }
  const { done } = await content.next()
  if (!done) {
    inner.abort()
    throw clientError('RESPONSE_INVALID', 'the answer has content where its status allows none')
  }
  return { response: new Response(null, init), end }
}

async function* watch(
  content: AsyncGenerator<Uint8Array, ExchangeEnd>,
  resolve: (end: ExchangeEnd) => void,
  reject: (reason: unknown) => void,
): AsyncGenerator<Uint8Array> {
  let finished = false
  try {
    for (;;) {
      const { done, value } = await content.next()
      if (done) {
        finished = true
        resolve(value)
        return
      }
      yield value
    }
  } catch (error) {
    finished = true
    reject(error)
    throw error
  } finally {
    if (!finished) reject(clientError('RESPONSE_TRUNCATED', 'the body was not read to its end'))
    await content.return(undefined as never)
  }
}
