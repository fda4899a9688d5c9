import type { Digest } from '@sotto/protocol/keyrelease'
import { OHTTP_MEDIA_TYPE } from '@sotto/protocol/ohttp'
import { uploadLimits } from '@sotto/protocol/sizes'
import { hasCode } from '@sotto/protocol/errors'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { declaredLength } from '@sotto/serve/limits'
import { peerOf } from '@sotto/serve/server'
import { Hono } from 'hono'
import type { InnerApp } from './answer.ts'
import type { DateWindow } from './date-window.ts'
import { GATEWAY_STATUSES, gatewayError } from './errors.ts'
import { exchange, type GatewayLimits } from './exchange.ts'
import { createHeldBytes } from './held-bytes.ts'
import type { KeyRing } from './key-ring.ts'
import type { ServingIdentity } from './receipt.ts'
import type { TokenGate } from './tokens/index.ts'

/** What a gateway is made of. */
export interface GatewayOptions {
  keys: KeyRing
  inner: InnerApp
  /** Digest of the model that answered, announced inside the process (never in a header). */
  modelOf: (response: Response) => Digest | undefined
  /** As whom answers are signed; undefined while not attested, when nothing is served. */
  identity: () => ServingIdentity | undefined
  /** Whether nothing is served because witnesses are silent, not because nothing is held. Default never. */
  areWitnessesSilent?: () => boolean
  /** Bytes of the current trust bundle; undefined while there is none. */
  trustBundle: () => Uint8Array | undefined
  dates: DateWindow
  /** Where every request needs an access token; absent: none does. */
  tokens?: TokenGate | undefined
  /**
   * Runs the app for a party, so that parties share fairly (T19): the other end of the connection, which is a relay for
   * most, and the class of the token. Default: nobody is told apart.
   */
  runAs?: (party: string, run: () => Promise<Response>) => Promise<Response>
  limits?: Partial<GatewayLimits & { exchanges: number }>
  /** Flushes of event streams: bucket size and window. Default 512 bytes, 20 ms (T17). */
  events?: Partial<{ bucketBytes: number; windowMs: number }>
  /** Told per refused request: the code alone. */
  onError?: (code: string) => void
}

const MIB = 2 ** 20

/** Defaults: the largest upload when nobody says another, within half an hour; 512 exchanges at once. */
export const DEFAULT_GATEWAY_LIMITS: GatewayLimits & { exchanges: number } = {
  contentBytes: uploadLimits().messageBytes,
  idleMs: 30_000,
  totalMs: 1_800_000,
  wholeRequestBytes: 32 * MIB,
  wholeResponseBytes: 16 * MIB,
  allWholeBytes: 256 * MIB,
  exchanges: 512,
}

/** RFC 9458 Section 5.3. */
const KEY_PROBLEM = {
  type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
  title: 'key identifier unknown',
}

/**
 * Everything the enclave answers in clear: key configurations, trust bundle, and encapsulated
 * requests. There is no other route: what the inner app serves exists inside the encryption only.
 */
export function createGateway(options: GatewayOptions): App {
  const limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits }
  const events = { bucketBytes: 512, windowMs: 20, ...options.events }
  const { keys } = options
  const held = createHeldBytes(limits.allWholeBytes)
  let running = 0

  const notServing = (): Error =>
    options.areWitnessesSilent?.() === true
      ? gatewayError('GATEWAY_WITNESSES_SILENT', 'the witnesses of the log have been silent for too long')
      : notReady()

  const app = new Hono()
  app.get('/.well-known/ohttp-gateway', () => {
    if (options.identity() === undefined) throw notServing()
    return publicBytes(keys.configs, OHTTP_MEDIA_TYPE.keys)
  })
  app.get('/.well-known/sotto/trust', () => publicBytes(options.trustBundle(), 'application/json'))
  app.post('/ohttp', async (c) => {
    const request = c.req.raw
    const contentType = request.headers.get('content-type')
    const isChunked = contentType === OHTTP_MEDIA_TYPE.chunkedRequest
    if (!isChunked && contentType !== OHTTP_MEDIA_TYPE.request)
      throw serveError('HTTP_MEDIA_TYPE', 'only OHTTP messages are taken here')
    const identity = options.identity()
    if (identity === undefined) throw notServing()
    const maxBytes = isChunked ? limits.contentBytes * 1.01 + MIB : limits.wholeRequestBytes + 2048
    if ((declaredLength(request.headers) ?? 0) > maxBytes)
      throw serveError('HTTP_BODY_TOO_LARGE', 'the message is too large')
    if (running >= limits.exchanges) throw serveError('HTTP_BUSY', 'too many exchanges are in progress')
    const reservation = isChunked ? undefined : held.reserve(declaredLength(request.headers))
    running++
    const { inner, modelOf, dates, runAs } = options
    const peer = peerOf(request) ?? ''
    return exchange(request, isChunked, {
      keys,
      identity,
      inner,
      modelOf,
      dates,
      tokens: options.tokens,
      onBehalf: (tokenClass, run) => (runAs ? runAs(`${peer} ${tokenClass ?? ''}`, run) : run()),
      limits,
      events,
      hold: (bytes) => reservation?.hold(bytes),
      onOver: once(() => {
        running--
        reservation?.release()
      }),
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

function publicBytes(bytes: Uint8Array | undefined, contentType: string): Response {
  if (bytes === undefined) throw notReady()
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': contentType, 'cache-control': 'no-cache' },
  })
}

function notReady(): Error {
  return gatewayError('GATEWAY_NOT_READY', 'this enclave is not attested yet, or its attestation is too old')
}

function once(run: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    run()
  }
}
