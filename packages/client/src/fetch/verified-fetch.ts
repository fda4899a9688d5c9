import { hasCode } from '@sotto/protocol/errors'
import type { TrustedService } from '@sotto/verifier'
import type { ReceiptBook, ReceiptClaim } from '../receipts/index.ts'
import {
  exchange,
  INNER_ORIGIN,
  type InnerRequest,
  type InnerResponse,
  type Outlet,
  prepareRequest,
  toResponse,
} from '../transport/index.ts'
import { refusalOf, type TokenPool, withToken } from '../tokens/index.ts'
import type { TrustSession } from '../trust/index.ts'
import { examineDate } from './date-problem.ts'
import { requestKey } from './request-key.ts'

/** What verified requests go through. */
export interface VerifiedFetchOptions {
  session: TrustSession
  outlet: Outlet
  /** Seconds since the Unix epoch. */
  now: () => number
  receipts: Pick<ReceiptBook, 'track'>
  /** Where the service takes requests with a token only. */
  tokens?: TokenPool | undefined
}

interface Attempt {
  inner: InnerResponse
  service: TrustedService
  keyId: number
}

/** Two ways through the same checks. */
export interface VerifiedFetch {
  /** For callers: every answer's receipt is followed. */
  fetch: typeof globalThis.fetch
  /** The same for a body that is still being made: each part of it leaves at once, while the answer arrives. */
  fetchLive: typeof globalThis.fetch
  /** For the client's own inner GETs, whose receipts nobody needs. */
  get(path: string): Promise<Response>
}

/**
 * `fetch` that sends to verified enclaves only. Three retries exist, each at most once, each under fresh
 * keys, each only when the body can be sent again: after the keys were verified anew because the
 * gateway does not hold the one used, with the enclave's time when ours was off, and with another token
 * when the first one was refused. No such request reached the inner service. Nothing else is ever
 * repeated: it might run twice.
 */
export function createVerifiedFetch(options: VerifiedFetchOptions): VerifiedFetch {
  const { session, outlet, now, receipts, tokens } = options

  async function send(request: InnerRequest, service: TrustedService, offsetMs: number): Promise<Attempt> {
    const { keyId, key } = requestKey(service, now())
    return { inner: await exchange(request, key, now() * 1000 + offsetMs, outlet), service, keyId }
  }

  async function sendWithFreshKeys(request: InnerRequest): Promise<Attempt> {
    const service = await abortable(session.current(), request.signal)
    try {
      return await send(request, service, 0)
    } catch (error) {
      if (!hasCode(error, 'KEY_UNKNOWN')) throw error
      // Also when this body is spent: the caller's own retry then finds the new keys.
      const renewed = await abortable(session.renew(service), request.signal)
      if (!request.body.replayable) throw error
      return send(request, renewed, 0)
    }
  }

  async function answer(request: InnerRequest): Promise<Attempt> {
    request.signal?.throwIfAborted()
    const attempt = await sendWithFreshKeys(request)
    const { inner, clockOffsetMs } = await examineDate(attempt.inner, now() * 1000)
    if (clockOffsetMs === undefined || !request.body.replayable) return { ...attempt, inner }
    return send(request, attempt.service, clockOffsetMs)
  }

  async function answerWithToken(request: InnerRequest): Promise<Attempt> {
    if (tokens === undefined) return answer(request)
    for (let isRepeated = false; ; isRepeated = true) {
      const authorization = await tokens.take(request.signal)
      const attempt = await answer(withToken(request, authorization))
      const refusal = refusalOf(attempt.inner)
      if (refusal?.type === 'unspent') await tokens.giveBack(authorization)
      if (refusal?.type !== 'void') return attempt
      tokens.refused(refusal.challenge)
      if (isRepeated || !request.body.replayable) return attempt
      attempt.inner.abort()
    }
  }

  async function respond(request: InnerRequest): Promise<Response> {
    const { inner, service, keyId } = await answerWithToken(request)
    const { response, end } = await toResponse(inner)
    receipts.track(response, claimOf(request, inner, service, keyId), end)
    return response
  }

  return {
    fetch: async (input, init) => respond(await prepareRequest(input, init)),
    fetchLive: async (input, init) => respond(await prepareRequest(input, init, true)),
    async get(path) {
      const { inner } = await answer(await prepareRequest(INNER_ORIGIN + path))
      return (await toResponse(inner)).response
    },
  }
}

function claimOf(
  request: InnerRequest,
  inner: InnerResponse,
  service: TrustedService,
  keyId: number,
): Omit<ReceiptClaim, 'end'> {
  const { method, path, headers } = request
  return {
    request: { method, path, contentType: valueOf(headers, 'content-type') },
    response: { status: inner.status, contentType: valueOf(inner.fields, 'content-type') },
    keyId,
    keyPolicy: service.keyPolicyDigest,
  }
}

function valueOf(fields: readonly (readonly [name: string, value: string])[], name: string): string {
  return fields.find(([field]) => field === name)?.[1] ?? ''
}

/** Waits for something shared that no single request may cancel. */
async function abortable<T>(shared: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return shared
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([shared, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
