import type { BhttpField } from '@sotto/protocol/bhttp'
import { crypto } from '@sotto/protocol/crypto-backend'
import { OHTTP_MEDIA_TYPE, type OhttpRequestSealer } from '@sotto/protocol/ohttp'
import { clientError } from '../errors.ts'
import { streamOf } from '../streams.ts'
import { mediaType, OUTER_HEADERS, OUTER_INIT } from '../trust/index.ts'
import type { InnerRequest } from './inner-request.ts'
import { openResponse } from './open-response.ts'
import { outerBody } from './outer-body.ts'
import { encodePlaintext, rechunk } from './plaintext.ts'
import { exchangeBySocket, type WebSocketClass } from './socket.ts'

/** Where and how requests go out. */
export interface Outlet {
  requests: URL
  fetch: typeof globalThis.fetch
  streamUploads: boolean
  /** Carries live requests where `fetch` cannot send and receive at once. Absent where it can. */
  webSocket?: WebSocketClass | undefined
}

/** What remains of an exchange once its answer was read to the verified end. */
export interface ExchangeEnd {
  /** SHA-256 of the request body as sent; undefined when the answer came before all of it was. */
  requestSha256: Uint8Array | undefined
  /** SHA-256 of the response content as received. */
  responseSha256: Uint8Array
  trailers: readonly BhttpField[]
}

/** The answer of the enclave, its content still arriving. */
export interface InnerResponse {
  status: number
  fields: readonly BhttpField[]
  content: AsyncGenerator<Uint8Array, ExchangeEnd>
  /** Ends the exchange from outside, also while `content` waits. */
  abort: () => void
}

/**
 * Options of a request whose body streams. `fetch` sends a *clone* of a request that might have to follow
 * a redirect (Fetch standard, HTTP-network-or-cache fetch), and the other branch of a cloned stream
 * keeps the whole upload in memory. A streamed body could not be sent to a second address anyway.
 */
const STREAMED = { duplex: 'half', redirect: 'error' } as const

/** Plaintext bytes of a chunk that every receiver takes (chunked OHTTP draft Section 6). */
const CHUNK_BYTES = 16_384

/** The same where the body is being spoken: an eighth of a second of it. Every chunk is full, whatever it holds (T17). */
const LIVE_CHUNK_BYTES = 4096

/**
 * One request under the fresh keys of `sealer` and its answer. Outer failures throw, they never look like an answer;
 * and they prove nothing: whatever is said outside the encryption, the request may have been passed on and run.
 *
 * @param dateMs what the request says the time is, milliseconds since the Unix epoch
 * @throws `KEY_UNKNOWN` outer 422; `REQUEST_TOO_LARGE` outer 413; `RELAY_REFUSED` other outer statuses; `RELAY_UNREACHABLE`; `RESPONSE_INVALID`,
 * `RESPONSE_TRUNCATED`; what the request's own body throws; the reason of its signal
 */
export async function exchange(
  request: InnerRequest,
  sealer: OhttpRequestSealer,
  dateMs: number,
  outlet: Outlet,
): Promise<InnerResponse> {
  const cancel = new AbortController()
  const signal = request.signal ? AbortSignal.any([request.signal, cancel.signal]) : cancel.signal
  const upload: Upload = { sha256: undefined, failure: undefined }
  try {
    const answer = await sendOuter(request, seal(request, sealer, dateMs, upload), outlet, signal)
    const opened = await openResponse(answer, sealer.openResponse(), signal)
    return { ...opened.head, content: hashed(opened.content, upload), abort: () => cancel.abort() }
  } catch (cause) {
    signal.throwIfAborted()
    if (upload.failure !== undefined) throw upload.failure.cause
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    throw clientError('RELAY_UNREACHABLE', 'the relay does not answer', { cause })
  }
}

/** Sends what was sealed; the encapsulated answer. */
async function sendOuter(
  request: InnerRequest,
  sealed: AsyncGenerator<Uint8Array>,
  outlet: Outlet,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { requests, webSocket } = outlet
  if (request.isLive && webSocket) return exchangeBySocket(requests, { sealed, signal, refusal }, webSocket)
  const body = request.isLive ? streamOf(sealed) : await outerBody(sealed, outlet.streamUploads)
  const response = await outlet.fetch(requests, {
    ...OUTER_INIT,
    method: 'POST',
    headers: { ...OUTER_HEADERS, 'content-type': OHTTP_MEDIA_TYPE.chunkedRequest, incremental: '?1' },
    body: body as BodyInit,
    ...(body instanceof ReadableStream && STREAMED),
    signal,
  })
  return admitOuter(response)
}

interface Upload {
  sha256: Uint8Array | undefined
  /** What the caller's own body threw: it must surface, whatever `fetch` makes of it. */
  failure: { cause: unknown } | undefined
}

async function* seal(
  request: InnerRequest,
  sealer: OhttpRequestSealer,
  dateMs: number,
  upload: Upload,
): AsyncGenerator<Uint8Array> {
  const plaintext = encodePlaintext(request, hashing(request.body.stream(), upload), dateMs)
  for await (const { bytes, final } of rechunk(plaintext, request.isLive ? LIVE_CHUNK_BYTES : CHUNK_BYTES)) {
    yield* final ? sealer.end(bytes) : sealer.seal(bytes)
  }
}

async function* hashing(body: AsyncIterable<Uint8Array>, upload: Upload): AsyncGenerator<Uint8Array> {
  const hash = crypto.createHash('sha256')
  try {
    for await (const part of body) {
      hash.update(part)
      yield part
    }
    upload.sha256 = hash.digest()
  } catch (cause) {
    upload.failure = { cause }
    throw cause
  }
}

/** The encapsulated answer; everything else in clear is somebody on the way, not the enclave. */
async function admitOuter(response: Response): Promise<ReadableStream<Uint8Array>> {
  if (
    response.status === 200 &&
    mediaType(response) === OHTTP_MEDIA_TYPE.chunkedResponse &&
    response.body !== null
  ) {
    return response.body
  }
  await response.body?.cancel().catch(() => {})
  if (response.status !== 200) throw refusal(response.status)
  throw clientError('RESPONSE_INVALID', 'the relay answered with something that is not an encrypted answer', {
    expected: OHTTP_MEDIA_TYPE.chunkedResponse,
    found: mediaType(response) || 'no media type',
  })
}

/** What a status outside the encryption means. */
function refusal(status: number): Error {
  if (status === 422) {
    return clientError('KEY_UNKNOWN', 'the gateway does not hold the key this request was encrypted to')
  }
  if (status === 413) {
    return clientError('REQUEST_TOO_LARGE', 'relay or gateway take no request of this size', {
      hint: 'send a shorter or compressed recording, or have the limit raised (sotto up --max-upload)',
    })
  }
  const found = status === 0 ? 'a redirect' : `status ${status}`
  return clientError('RELAY_REFUSED', 'relay or gateway refused the encrypted request', { found })
}

async function* hashed(
  content: AsyncGenerator<Uint8Array, readonly BhttpField[]>,
  upload: Upload,
): AsyncGenerator<Uint8Array, ExchangeEnd> {
  const hash = crypto.createHash('sha256')
  try {
    for (;;) {
      const { done, value } = await content.next()
      if (done) return { requestSha256: upload.sha256, responseSha256: hash.digest(), trailers: value }
      hash.update(value)
      yield value
    }
  } finally {
    await content.return([])
  }
}
