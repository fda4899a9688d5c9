import { concat } from '@sotto/protocol/bytes'
import { serveError } from '@sotto/serve/errors'
import {
  createConcurrencyLimiter,
  declaredLength,
  limitBytes,
  pacedBody,
  PART_PACE,
} from '@sotto/serve/limits'

/** Messages in memory at once, 8 MiB each, and how many wait. */
const AT_ONCE = { running: 16, waiting: 256 }

/**
 * Reads messages whole, before any of them is kept: as many at once as memory is meant for them, each at a pace.
 * @throws `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`, `HTTP_BUSY`
 */
export function createMessageReader(maxBytes: number): (request: Request) => Promise<Uint8Array> {
  const places = createConcurrencyLimiter(AT_ONCE)
  return async ({ headers, body }) => {
    if ((declaredLength(headers) ?? 0) > maxBytes)
      throw serveError('HTTP_BODY_TOO_LARGE', 'the body is too large', {
        expected: `at most ${maxBytes} bytes`,
      })
    if (body === null) return new Uint8Array()
    return places.run(async () => {
      const parts: Uint8Array[] = []
      for await (const part of pacedBody(limitBytes(body, maxBytes), PART_PACE)) parts.push(part)
      return concat(...parts)
    })
  }
}
