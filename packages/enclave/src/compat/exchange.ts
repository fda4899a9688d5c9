import { AzureResponseSealer } from '@sotto/protocol/azure-dialect'
import type { BhttpRequestHead } from '@sotto/protocol/bhttp'
import { OHTTP_MEDIA_TYPE, OhttpRequestOpener } from '@sotto/protocol/ohttp'
import {
  answerInner,
  type DateWindow,
  draftReceipt,
  finishRequest,
  gatewayError,
  type GatewayLimits,
  type GatewayOptions,
  type HeldKey,
  INNER_AUTHORITY,
  type OnBehalf,
  outerError,
  readHead,
  RequestReader,
  type ServingIdentity,
} from '../gateway/index.ts'
import { isAzureKey } from './azure-key.ts'
import { sealBody } from './seal-body.ts'

/** What one exchange needs. */
export interface AzureExchange extends Pick<GatewayOptions, 'keys' | 'inner' | 'dates' | 'tokens'> {
  identity: ServingIdentity
  limits: GatewayLimits
  events: { bucketBytes: number; windowMs: number }
  /** Runs the app on behalf of whoever may be told apart here. */
  onBehalf: OnBehalf
  /** Counts bytes of the request that are held. @throws `HTTP_BUSY` */
  hold: (bytes: number) => void
  /** Called when nothing of the exchange is left; may be called twice. */
  onOver: () => void
}

/** A `Response` with one of these has no body, and the dialect always has one. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Opens one request of the dialect, has the inner app answer, and seals the body of the answer. Outside stands the
 * inner status, for their client reads no other; no inner header leaves. The body has no place for a receipt.
 * @throws `GATEWAY_UNKNOWN_KEY`, `GATEWAY_REFUSED`, `GATEWAY_REPLAY_FULL`, `GATEWAY_CUT`, `HTTP_BUSY`
 */
export async function azureExchange(request: Request, context: AzureExchange): Promise<Response> {
  const { keys, limits, identity, inner, dates, tokens, onBehalf } = context
  const over = new AbortController()
  const onLeft = (): void => over.abort(gatewayError('GATEWAY_CUT', 'the client left'))
  request.signal.addEventListener('abort', onLeft, { once: true })
  let held: HeldKey | undefined
  const opener = new OhttpRequestOpener({
    // Whatever the media type says: the request of this dialect is one ciphertext (RFC 9458 Section 4.3).
    isChunked: false,
    findKey(keyId) {
      const found = keys.find(keyId)
      // Requests under other keys are remembered for as long as their date is accepted only.
      held = found !== undefined && isAzureKey(found) ? found : undefined
      return held?.key
    },
    replay: keys,
    maxMessageBytes: limits.wholeRequestBytes,
  })
  const reader = new RequestReader(request.body ?? new Blob().stream(), opener, limits, context.hold)
  function finish(): void {
    request.signal.removeEventListener('abort', onLeft)
    void reader.cancel()
    context.onOver()
  }
  try {
    const read = await readHead(reader, opener)
    const head = read instanceof Response ? undefined : withOurTarget(read)
    // Nobody gets it; the bodies are digested all the same, for that is how they are read.
    const draft =
      head &&
      draftReceipt(
        identity,
        { keyId: held!.key.config.keyId, policy: held!.policy },
        { method: head.method, path: head.path, contentType: '' },
      )
    const response =
      head === undefined
        ? (read as Response)
        : await answerInner(head, draft!, {
            inner,
            dates: alsoUndated(dates),
            reader,
            over,
            tokens,
            onBehalf,
          })
    over.signal.throwIfAborted()
    const sealer = new AzureResponseSealer(opener.respondUnframed())
    const answer = { response, events: context.events, over }
    const body = sealBody(answer, sealer, {
      beforeEnd: async () => void (draft && (await finishRequest(reader, draft, over))),
      onOver: finish,
    })
    const status = WITHOUT_BODY.has(response.status) ? 200 : response.status
    const headers = { 'content-type': OHTTP_MEDIA_TYPE.chunkedResponse, 'cache-control': 'no-store' }
    return new Response(body, { status, headers })
  } catch (error) {
    over.abort(error)
    finish()
    throw outerError(error)
  }
}

/** Their requests name no authority; one that they name has to be ours. */
function withOurTarget(head: BhttpRequestHead): BhttpRequestHead {
  const namesOne = head.authority !== '' || head.fields.some(([name]) => name === 'host')
  return namesOne ? head : { ...head, authority: INNER_AUTHORITY }
}

/**
 * Their requests have no date. One without is remembered as long as its key lives, so that it runs once here; one
 * with a date has to have a right one.
 */
function alsoUndated(dates: DateWindow): DateWindow {
  return { ...dates, accepts: (value) => value === undefined || dates.accepts(value) }
}
