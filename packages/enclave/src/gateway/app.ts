import { type Digest, NONCE_RATE, nonceOf } from '@sotto/protocol/keyrelease'
import { OHTTP_MEDIA_TYPE } from '@sotto/protocol/ohttp'
import type { ReceiptTrailer } from '@sotto/protocol/receipts'
import { hasCode } from '@sotto/protocol/errors'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { createConcurrencyLimiter, createRateLimiter } from '@sotto/serve/limits'
import { Hono } from 'hono'
import { type Admission, createAdmission, notReady } from './admission.ts'
import type { InnerApp } from './answer.ts'
import type { DateWindow } from './date-window.ts'
import { GATEWAY_STATUSES } from './errors.ts'
import { exchange } from './exchange.ts'
import type { KeyRing } from './key-ring.ts'
import type { GatewayCaps } from './limits.ts'
import type { ServingIdentity } from './receipt.ts'
import type { TokenGate } from './tokens/index.ts'

/** What a gateway is made of. */
export interface GatewayOptions {
  keys: KeyRing
  inner: InnerApp
  /** Authorities that `inner` answers for. Default: the inner API's. */
  authorities?: readonly string[]
  /** Digest of the model that answered, announced inside the process (never in a header). */
  modelOf: (response: Response) => Digest | undefined
  /** As whom answers are signed; undefined while not attested, when nothing is served. */
  identity: () => ServingIdentity | undefined
  /** Whether this deployment has ended, and serves nothing any more. Default never. */
  isExpired?: () => boolean
  /** Whether nothing is served because witnesses are silent, not because nothing is held. Default never. */
  areWitnessesSilent?: () => boolean
  /** Bytes of the current trust bundle; undefined while there is none. */
  trustBundle: () => Uint8Array | undefined
  /** Bytes of a trust bundle made for a nonce of 16 to 64 bytes, base64url, a stranger's. Absent: none is made for any. */
  trustFor?: (nonce: string) => Promise<Uint8Array>
  dates: DateWindow
  /** Where every request needs an access token; absent: none does. */
  tokens?: TokenGate | undefined
  /**
   * Whether a request asks for an answer and changes nothing. The app begins it while its token is being spent; no answer
   * leaves before. Default: none.
   */
  onlyComputes?: (method: string, path: string) => boolean
  /**
   * Runs the app for a party, so that parties share fairly (T19): the other end of the connection, which is a relay for
   * most, and the class of the token. Default: nobody is told apart.
   */
  runAs?: (party: string, run: () => Promise<Response>) => Promise<Response>
  limits?: Partial<GatewayCaps>
  /** Flushes of event streams: bucket size and window. Default 512 bytes, 20 ms (T17). */
  events?: Partial<{ bucketBytes: number; windowMs: number }>
  /** Told every receipt before it leaves. */
  onReceipt?: (receipt: ReceiptTrailer) => void
  /** Told per refused request: the code alone. */
  onError?: (code: string) => void
}

const MIB = 2 ** 20
/** Bundles made for nonces, one at a time: each is a call to the KMS and a verification. */
const NONCES_AT_ONCE = { running: 1, waiting: 4 }

/** RFC 9458 Section 5.3. */
const KEY_PROBLEM = {
  type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
  title: 'key identifier unknown',
}

/**
 * Everything the enclave answers in clear: key configurations, trust bundle, and encapsulated
 * requests. There is no other route: what the inner app serves exists inside the encryption only.
 *
 * @param admission shared with whoever else answers in this enclave
 */
export function createGateway(options: GatewayOptions, admission: Admission = createAdmission(options)): App {
  const { limits, events } = admission
  const { keys, trustFor } = options
  const nonces = createRateLimiter(NONCE_RATE)
  const bundles = createConcurrencyLimiter(NONCES_AT_ONCE)

  const app = new Hono()
  app.get('/.well-known/ohttp-gateway', () => {
    admission.requireServing()
    return publicBytes(keys.configs, OHTTP_MEDIA_TYPE.keys)
  })
  app.get('/.well-known/sotto/trust', async ({ req }) => {
    const nonce = nonceOf(req.url)
    const ordinary = publicBytes(options.trustBundle(), 'application/json')
    if (nonce === undefined) return ordinary
    if (trustFor === undefined) throw serveError('HTTP_NOT_FOUND', 'no evidence is made for a nonce here')
    nonces.take()
    return publicBytes(await bundles.run(() => trustFor(nonce)), 'application/json', 'no-store')
  })
  app.post('/ohttp', async (c) => {
    const request = c.req.raw
    const contentType = request.headers.get('content-type')
    const isChunked = contentType === OHTTP_MEDIA_TYPE.chunkedRequest
    if (!isChunked && contentType !== OHTTP_MEDIA_TYPE.request)
      throw serveError('HTTP_MEDIA_TYPE', 'only OHTTP messages are taken here')
    const identity = admission.requireServing()
    const place = admission.enter(request, {
      maxBytes: isChunked ? limits.contentBytes * 1.01 + MIB : limits.wholeRequestBytes + 2048,
      isHeldWhole: !isChunked,
    })
    const { inner, authorities, modelOf, dates, tokens, onlyComputes } = options
    return exchange(request, isChunked, {
      keys,
      identity,
      inner,
      authorities,
      modelOf,
      dates,
      tokens,
      onlyComputes,
      onBehalf: place.onBehalf,
      limits,
      events,
      onReceipt: options.onReceipt,
      hold: (bytes) => place.hold(bytes),
      onOver: () => place.leave(),
    })
  })
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'nothing is served here in clear; the API is inside OHTTP at /ohttp')
  })
  app.onError((error) => {
    if (hasCode(error, 'GATEWAY_UNKNOWN_KEY')) {
      options.onError?.(error.code)
      const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
      return new Response(JSON.stringify(KEY_PROBLEM), { status: 422, headers })
    }
    throw error
  })
  return mapErrors((request) => app.fetch(request), {
    statuses: GATEWAY_STATUSES,
    onError: (code) => options.onError?.(code),
  })
}

function publicBytes(
  bytes: Uint8Array | undefined,
  contentType: string,
  cacheControl = 'no-cache',
): Response {
  if (bytes === undefined) throw notReady()
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': contentType, 'cache-control': cacheControl },
  })
}
