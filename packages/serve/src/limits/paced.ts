import { concat } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { serveError } from '../errors/index.ts'
import { limitBytes, requireDeclared } from './body.ts'
import { MAX_TIMER_MS, PART_PACE, type PaceLimits, startPace } from './pace.ts'

/**
 * The same chunks, as long as they come at a pace: whoever sends a byte now and then holds what its request holds for no
 * longer than the grace. Time in which the reader is busy does not count.
 * @throws `HTTP_BODY_CUT`, also where the sender ends early
 */
export async function* pacedBody(
  body: AsyncIterable<Uint8Array>,
  limits: PaceLimits,
  now: () => number = () => performance.now(),
): AsyncGenerator<Uint8Array> {
  const parts = body[Symbol.asyncIterator]()
  const pace = startPace(limits)
  try {
    for (;;) {
      const since = now()
      const next = await within(parts.next(), pace.leftMs())
      pace.waited(now() - since)
      if (next.done === true) return
      pace.count(next.value.length)
      yield next.value
    }
  } finally {
    // Not waited for: what does not come does not end either.
    void parts.return?.().catch(() => undefined)
  }
}

/**
 * The whole body of a request that holds a place while it comes, and so has to come at a pace ({@link PART_PACE}). A
 * declared length is checked before a byte is read.
 * @throws `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`
 */
export async function readPaced({ headers, body }: Request, maxBytes: number): Promise<Uint8Array> {
  requireDeclared(headers, maxBytes)
  if (body === null) return new Uint8Array()
  const parts: Uint8Array[] = []
  for await (const part of pacedBody(limitBytes(body, maxBytes), PART_PACE)) parts.push(part)
  return concat(...parts)
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(serveError('HTTP_BODY_CUT', 'the body came too slowly')),
    Math.min(Math.max(0, ms), MAX_TIMER_MS),
  )
  try {
    return await Promise.race([work, promise])
  } catch (cause) {
    if (cause instanceof SottoError) throw cause
    throw serveError('HTTP_BODY_CUT', 'the body ended early', { cause })
  } finally {
    clearTimeout(timer)
  }
}
