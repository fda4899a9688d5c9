import { randomUUID } from 'node:crypto'
import type { BhttpRequestHead } from '@sotto/protocol/bhttp'
import { SottoError } from '@sotto/protocol/errors'
import type { Digest } from '@sotto/protocol/keyrelease'
import { OHTTP_MEDIA_TYPE, OhttpRequestOpener } from '@sotto/protocol/ohttp'
import type { ReceiptTrailer } from '@sotto/protocol/receipts'
import { answerInner, finishRequest, type InnerApp, innerError, type OnBehalf } from './answer.ts'
import type { DateWindow } from './date-window.ts'
import { gatewayError } from './errors.ts'
import type { HeldKey, KeyRing } from './key-ring.ts'
import { draftReceipt, type ReceiptDraft, type ServingIdentity } from './receipt.ts'
import { type ReadLimits, RequestReader } from './request-reader.ts'
import { type OutgoingAnswer, sealChunked, sealWhole } from './seal-answer.ts'
import type { TokenGate } from './tokens/index.ts'

/** Head, framing and padding of a request of the largest content. */
const FRAMING_BYTES = 2 ** 21

/** Bounds of one exchange. */
export interface GatewayLimits extends ReadLimits {
  /** Unchunked messages are held in memory: bytes of the request, and of the response. */
  wholeRequestBytes: number
  wholeResponseBytes: number
  /** Bytes of all of them together, requests and responses. */
  allWholeBytes: number
}

/** An unchunked answer that is longer leaves in pieces of this many bytes, and stays counted until the last one. */
const PIECE_BYTES = 65_536

/** What exchanges share. */
export interface ExchangeContext {
  keys: KeyRing
  identity: ServingIdentity
  inner: InnerApp
  /** See `AnswerContext`. */
  authorities: readonly string[] | undefined
  /** Digest of the model that answered, announced inside the process. */
  modelOf: (response: Response) => Digest | undefined
  dates: DateWindow
  tokens: TokenGate | undefined
  /** See `AnswerContext`. */
  onlyComputes: ((method: string, path: string) => boolean) | undefined
  onBehalf: OnBehalf
  limits: GatewayLimits
  events: OutgoingAnswer['events']
  /** Told every receipt before it leaves. */
  onReceipt: ((receipt: ReceiptTrailer) => void) | undefined
  /** Counts bytes of an unchunked message that are held. @throws `HTTP_BUSY` */
  hold: (bytes: number) => void
  /** Called once, when nothing of the exchange is left. */
  onOver: () => void
}

/**
 * Opens one encapsulated request, has the inner app answer it, and seals the answer. Outside there is
 * always 200 and one content type; whatever the app answers, its status and headers are inside.
 * @throws `GATEWAY_UNKNOWN_KEY`, `GATEWAY_REFUSED`, `GATEWAY_REPLAY_FULL`, `GATEWAY_CUT`, `HTTP_BUSY`
 */
export async function exchange(
  request: Request,
  isChunked: boolean,
  context: ExchangeContext,
): Promise<Response> {
  const { keys, limits, hold } = context
  const over = new AbortController()
  const onLeft = (): void => over.abort(gatewayError('GATEWAY_CUT', 'the client left'))
  request.signal.addEventListener('abort', onLeft, { once: true })
  let held: HeldKey | undefined
  const opener = new OhttpRequestOpener({
    isChunked,
    // Kept for the whole exchange: the key may expire while the answer is written.
    findKey: (keyId) => (held = keys.find(keyId))?.key,
    replay: keys,
    maxMessageBytes: isChunked ? limits.contentBytes + FRAMING_BYTES : limits.wholeRequestBytes,
  })
  const reader = new RequestReader(
    request.body ?? new Blob().stream(),
    opener,
    limits,
    isChunked ? undefined : hold,
  )
  function finish(): void {
    request.signal.removeEventListener('abort', onLeft)
    void reader.cancel()
    context.onOver()
  }
  try {
    const head = await readHead(reader, opener)
    const draft = head instanceof Response ? undefined : startDraft(head, held!, context)
    const { inner, authorities, dates, tokens, onBehalf, onlyComputes } = context
    const replace = (digest: Uint8Array): boolean => keys.replace(digest)
    const response =
      head instanceof Response
        ? head
        : await answerInner(head, draft!, {
            inner,
            authorities,
            dates,
            reader,
            over,
            tokens,
            onBehalf,
            onlyComputes,
            replace,
          })
    over.signal.throwIfAborted()
    // Random, and nowhere else: people can name an answer, and nobody can link two.
    if (!response.headers.has('x-request-id')) response.headers.set('x-request-id', newRequestId())
    const outgoing: OutgoingAnswer = {
      response,
      draft,
      model: context.modelOf(response),
      finishRequest: async () => draft !== undefined && (await finishRequest(reader, draft, over)),
      over,
      events: context.events,
    }
    const sealer = opener.respond()
    if (isChunked) return chunkedResponse(sealChunked(outgoing, sealer, finish))
    const sealed = await sealWhole(outgoing, sealer, limits.wholeResponseBytes, hold)
    if (sealed.length > PIECE_BYTES) return outerResponse(inPieces(sealed, finish), OHTTP_MEDIA_TYPE.response)
    finish()
    return outerResponse(sealed, OHTTP_MEDIA_TYPE.response)
  } catch (error) {
    over.abort(error)
    finish()
    throw outerError(error)
  }
}

function startDraft(head: BhttpRequestHead, held: HeldKey, context: ExchangeContext): ReceiptDraft {
  const { method, path } = head
  const contentType = head.fields.find(([name]) => name === 'content-type')?.[1] ?? ''
  const key = { keyId: held.key.config.keyId, policy: held.policy }
  // Of the release that gave this key: its receipt names it, and can be proven.
  return draftReceipt(
    held.identity ?? context.identity,
    key,
    { method, path, contentType },
    context.onReceipt,
  )
}

/** The head, or what its sender hears who sent an authentic message that is not HTTP. */
export async function readHead(
  reader: RequestReader,
  opener: OhttpRequestOpener,
): Promise<BhttpRequestHead | Response> {
  try {
    const event = await reader.next()
    if (event.type === 'head') return event.head
    throw gatewayError('GATEWAY_REFUSED', 'the message cannot be opened')
  } catch (error) {
    const isHttp = !(error instanceof SottoError && error.code.startsWith('BHTTP_'))
    if (isHttp || !opener.isAuthenticated) throw error
    return innerError(error)
  }
}

function chunkedResponse(body: ReadableStream<Uint8Array<ArrayBuffer>>): Response {
  const response = outerResponse(body, OHTTP_MEDIA_TYPE.chunkedResponse)
  response.headers.set('incremental', '?1')
  return response
}

function outerResponse(body: Uint8Array | ReadableStream<Uint8Array<ArrayBuffer>>, type: string): Response {
  return new Response(body as Uint8Array<ArrayBuffer>, {
    status: 200,
    headers: { 'content-type': type, 'cache-control': 'no-store' },
  })
}

/** Refusals that rest on nothing inside the message. */
const OWN_CODES: ReadonlySet<string> = new Set(['GATEWAY_CUT', 'GATEWAY_REPLAY_FULL', 'HTTP_BUSY'])

function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`
}

/** At the pace of whoever receives it: a slow reader keeps its place and its memory until it has it all. */
function inPieces(bytes: Uint8Array, onOver: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(offset, (offset += PIECE_BYTES)) as Uint8Array<ArrayBuffer>)
        if (offset < bytes.length) return
        controller.close()
        onOver()
      },
      cancel: onOver,
    },
    { highWaterMark: 0 },
  )
}

/** One answer for every way a message can fail to open: which one it was would be an oracle. */
export function outerError(error: unknown): SottoError {
  if (error instanceof SottoError) {
    if (error.code === 'OHTTP_UNKNOWN_KEY' || error.code === 'OHTTP_UNSUPPORTED_SUITE') {
      return gatewayError('GATEWAY_UNKNOWN_KEY', 'no private key here fits this message')
    }
    if (OWN_CODES.has(error.code)) return error
  }
  return gatewayError('GATEWAY_REFUSED', 'the message cannot be opened')
}
