import { SottoError } from '@sotto/protocol/errors'
import { serveError } from '@sotto/serve/errors'
import { declaredLength } from '@sotto/serve/limits'
import { edgeError } from '../errors.ts'
import type { RelayLimits } from './config.ts'
import type { Gateway } from './gateway.ts'
import { guardStream, type MonotonicNow } from './guard-stream.ts'
import { startTrip } from './trip.ts'
import type { Upstream } from './upstream.ts'
import { startWatch } from './watch.ts'

/** Request content type → the only content type its answer may have (RFC 9458, chunked OHTTP). */
const MEDIA_TYPES: Readonly<Record<string, { response: string; incremental: boolean }>> = {
  'message/ohttp-req': { response: 'message/ohttp-res', incremental: false },
  'message/ohttp-chunked-req': { response: 'message/ohttp-chunked-res', incremental: true },
}

/** RFC 9458 Section 5.3: the gateway does not hold this key; the client must fetch its keys again. */
const KEY_PROBLEM = JSON.stringify({
  type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
  title: 'key identifier unknown',
})

/** What an exchange needs from its surroundings. */
export interface ExchangeContext {
  upstream: Upstream
  limits: RelayLimits
  now: MonotonicNow
  /** Takes a place for one exchange; the result frees it. @throws `HTTP_BUSY` when there is none */
  admit: () => () => void
}

/**
 * Passes one encapsulated request to `gateway` and its answer back, both ways at once and chunk by
 * chunk. The client controls everything in `request`; of it only the body and *which* of two media
 * types it has go further. The gateway controls its answer; of it only the body and a coarse status
 * come back.
 *
 * Where no connection to one origin comes about, another one is tried, once: nothing has left this relay then, so nothing
 * can have run. A request of which one byte was sent is never sent again. Its enclave may have opened it, and every
 * enclave has a replay window of its own: the second one would run it, too.
 */
export async function relayExchange(
  request: Request,
  gateway: Gateway,
  context: ExchangeContext,
): Promise<Response> {
  const contentType = request.headers.get('content-type') ?? ''
  const kind = Object.hasOwn(MEDIA_TYPES, contentType) ? MEDIA_TYPES[contentType]! : undefined
  if (kind === undefined) throw serveError('HTTP_MEDIA_TYPE', 'only OHTTP messages are relayed')
  const { limits, now } = context
  if ((declaredLength(request.headers) ?? 0) > limits.requestBytes)
    throw serveError('HTTP_BODY_TOO_LARGE', 'the body is too large')
  if (request.body === null) throw serveError('HTTP_BODY_CUT', 'there is no encapsulated request')

  const deadline = now() + limits.exchangeMs
  const leave = context.admit()
  const trip = startTrip(gateway)
  const watch = startWatch(request.signal, limits.exchangeMs, () => {
    leave()
    trip.leave()
  })
  const requestLimits = { maxBytes: limits.requestBytes, idleMs: limits.requestIdleMs, deadline }
  let isBegun = false
  const sent = guardStream(
    request.body,
    requestLimits,
    now,
    (outcome) => {
      if (outcome.type === 'fail') watch.abandon(clientFailure(outcome.error))
      // Only now is the gateway alone to blame for silence.
      else watch.expectAnswerWithin(limits.responseIdleMs)
    },
    () => {
      isBegun = true
    },
  )
  try {
    const answer = await trip.send(context.upstream, () => !isBegun && !watch.signal.aborted, {
      method: 'POST',
      contentType,
      incremental: kind.incremental,
      body: sent,
      signal: watch.signal,
    })
    watch.answered()
    if (answer.status === 429 || answer.status === 503) trip.place?.busy()
    if (answer.status === 422 && trip.place) gateway.lacksKey(trip.place.origin)
    if (answer.status !== 200 || answer.contentType !== kind.response) {
      await answer.body.cancel().catch(() => {})
      const refusal = refuse(answer.status)
      // A refusal is the whole exchange: without this it would hold its place until the time is up.
      watch.finish()
      return refusal
    }
    const responseLimits = { maxBytes: limits.responseBytes, idleMs: limits.responseIdleMs, deadline }
    const body = guardStream(answer.body, responseLimits, now, (outcome) => {
      if (outcome.type === 'end') watch.finish()
      else watch.abandon(gatewayFailed())
    })
    return new Response(body, { status: 200, headers: responseHeaders(kind) })
  } catch (error) {
    watch.abandon(error instanceof SottoError ? error : gatewayFailed(error))
    // Nobody reads it any more.
    if (!isBegun) void sent.cancel().catch(() => {})
    throw watch.reason ?? error
  }
}

function responseHeaders(kind: { response: string; incremental: boolean }): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': kind.response,
    'cache-control': 'no-store',
  }
  if (kind.incremental) headers['incremental'] = '?1'
  return headers
}

/** The gateway's own words never reach the client: one of a few fixed answers does. */
function refuse(status: number): Response {
  switch (status) {
    case 422:
      return new Response(KEY_PROBLEM, {
        status: 422,
        headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      })
    case 413:
      throw serveError('HTTP_BODY_TOO_LARGE', 'the gateway takes no message of this size')
    case 429:
    case 503:
      throw edgeError('RELAY_GATEWAY_BUSY', 'the gateway asks to come back later')
    case 400:
    case 408:
    case 415:
      throw edgeError('RELAY_GATEWAY_REFUSED', 'the gateway refused the encapsulated message')
    default:
      throw gatewayFailed()
  }
}

function gatewayFailed(cause?: unknown): SottoError {
  return edgeError('RELAY_GATEWAY_FAILED', 'the gateway did not answer with an OHTTP message', { cause })
}

function clientFailure(error: unknown): SottoError {
  return error instanceof SottoError ? error : serveError('HTTP_BODY_CUT', 'the request ended early')
}
