import type { SottoError } from '@sotto/protocol/errors'
import { edgeError } from '../errors.ts'
import type { Gateway, Place } from './gateway.ts'
import type { Upstream, UpstreamRequest, UpstreamResponse } from './upstream.ts'

/** The way of one exchange to one of the origins of a gateway. */
export interface Trip {
  /** Where it went, the last time. */
  readonly place: Place | undefined
  /**
   * Sends the request to the least busy origin. Where that fails and `mayTryAnother` says that nothing of the body was
   * taken yet, to another one, once.
   * @throws `RELAY_NO_GATEWAY` of several origins none is ready, or two took no connection; what `upstream` rejects with
   */
  send(
    upstream: Upstream,
    mayTryAnother: () => boolean,
    request: Omit<UpstreamRequest, 'url'>,
  ): Promise<UpstreamResponse>
  /** The exchange is over. */
  leave(): void
}

/** Makes the {@link Trip} of one exchange. */
export function startTrip(gateway: Gateway): Trip {
  let place: Place | undefined
  let isOver = false

  function goTo(next: Place | undefined, cause?: unknown): Place {
    place?.leave()
    if (next === undefined) throw nowhere(cause)
    place = next
    if (isOver) next.leave()
    return next
  }
  return {
    get place() {
      return place
    },
    async send(upstream, mayTryAnother, request) {
      const ask = ({ origin }: Place): Promise<UpstreamResponse> =>
        upstream({ ...request, url: new URL('/ohttp', origin) })
      const first = goTo(gateway.take())
      try {
        return await ask(first)
      } catch (error) {
        if (gateway.origins.length === 1 || !mayTryAnother()) throw error
        first.unreachable()
        const second = goTo(gateway.take(first.origin), error)
        try {
          return await ask(second)
        } catch (cause) {
          if (!mayTryAnother()) throw cause
          second.unreachable()
          throw nowhere(cause)
        }
      }
    },
    leave() {
      isOver = true
      place?.leave()
    },
  }
}

function nowhere(cause: unknown): SottoError {
  return edgeError('RELAY_NO_GATEWAY', 'no enclave of this gateway is ready', { cause })
}
