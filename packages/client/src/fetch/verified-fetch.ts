import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { hasCode } from '@sotto/protocol/errors'
import type { OhttpRequestSealer } from '@sotto/protocol/ohttp'
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
import type { TokenSpending } from '../tokens/spend.ts'
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
  tokens?: TokenSpending | undefined
}

interface Attempt {
  inner: InnerResponse
  service: TrustedService
  keyId: number
  /** It took the place of a message of which nobody inside the encryption said that it did not run. */
  isReplacement: boolean
}

/** Two ways through the same checks. */
export interface VerifiedFetch {
  /** For callers: every answer's receipt is followed. */
  fetch: typeof globalThis.fetch
  /** The same for a body that is still being made: each part of it leaves at once, while the answer arrives. */
  fetchLive: typeof globalThis.fetch
  /** For the client's own inner GETs, whose receipts nobody needs. */
  get(path: string): Promise<Response>
  /** Makes ready for the first request what it would wait for. */
  prepare: (service: TrustedService) => void
}

/**
 * `fetch` that sends to verified enclaves only. Three retries exist, each at most once, each under fresh keys, each only
 * when the body can be sent again. Nothing else is ever repeated: it might run twice.
 *
 * - With the enclave's time when ours was off, and with another token when the first one was void. The enclave says so,
 *   inside the encryption, and refuses before it calls the inner service.
 * - After the keys were verified anew, when somebody says in clear that the gateway does not hold the one used. That may
 *   be a gateway, or a relay that has passed the request on and keeps its answer back. So the second message names the
 *   first one, keeps its date and brings the same token: of the two a gateway runs one, whichever comes first, and a
 *   token is spent once among all gateways that share a set. When it was the first one, the answer is a 409
 *   (`gateway_replaced`) or 401 (`gateway_token_spent`) of the enclave, and is not repeated with another token. Whatever
 *   refuses the second one says `x-should-retry: false`, which the OpenAI SDKs heed: the first one may have run.
 *
 * What is left to whoever stands on the way: to keep an answer back and have its sender know it; and where no token is
 * asked for, to have one message run by several gateways, which they could without any retry.
 */
export function createVerifiedFetch(options: VerifiedFetchOptions): VerifiedFetch {
  const { session, outlet, now, receipts, tokens } = options

  function seal(service: TrustedService): { keyId: number; sealer: OhttpRequestSealer } {
    const key = requestKey(service, now())
    return { keyId: key.keyId, sealer: key.seal() }
  }

  async function sendWithFreshKeys(request: InnerRequest): Promise<Attempt> {
    const service = await abortable(session.current(), request.signal)
    const dateMs = now() * 1000
    let first: OhttpRequestSealer | undefined
    try {
      const { keyId, sealer } = seal(service)
      first = sealer
      const inner = await exchange(request, sealer, dateMs, outlet)
      return { inner, service, keyId, isReplacement: false }
    } catch (error) {
      if (!hasCode(error, 'KEY_UNKNOWN')) throw error
      // Also when this body is spent: the caller's own retry then finds the new keys.
      const renewed = await abortable(session.renew(service), request.signal)
      if (!request.body.replayable) throw error
      const { keyId, sealer } = seal(renewed)
      const second = first === undefined ? request : replacing(request, first)
      // The date of the first one: a gateway that has started since remembers nothing of before, and refuses it.
      const inner = await exchange(second, sealer, dateMs, outlet)
      return { inner, service: renewed, keyId, isReplacement: first !== undefined }
    }
  }

  async function answer(request: InnerRequest): Promise<Attempt> {
    request.signal?.throwIfAborted()
    const attempt = await sendWithFreshKeys(request)
    const { inner, clockOffsetMs } = await examineDate(attempt.inner, now() * 1000)
    if (clockOffsetMs === undefined || !request.body.replayable || attempt.isReplacement)
      return { ...attempt, inner }
    const { service } = attempt
    const { keyId, sealer } = seal(service)
    const redated = await exchange(request, sealer, now() * 1000 + clockOffsetMs, outlet)
    return { inner: redated, service, keyId, isReplacement: false }
  }

  async function answerWithToken(request: InnerRequest): Promise<Attempt> {
    if (tokens === undefined) return answer(request)
    const { pool, withToken, refusalOf } = tokens
    for (let isRepeated = false; ; isRepeated = true) {
      const authorization = await pool.take(request.signal)
      const attempt = await answer(withToken(request, authorization))
      const refusal = refusalOf(attempt.inner)
      // Of the two messages of a replacement the first one may have spent it.
      if (refusal?.type === 'unspent' && !attempt.isReplacement) await pool.giveBack(authorization)
      if (refusal === undefined || refusal.type === 'unspent') return attempt
      pool.refused(refusal.challenge)
      const mayHaveRun = refusal.type === 'spent' || attempt.isReplacement
      if (mayHaveRun || isRepeated || !request.body.replayable) return attempt
      attempt.inner.abort()
    }
  }

  async function respond(request: InnerRequest): Promise<Response> {
    const { inner, service, keyId, isReplacement } = await answerWithToken(request)
    const { response, end } = await toResponse(inner)
    // The caller's SDK would repeat it, and a message of its own names none that it takes the place of.
    if (isReplacement && !response.ok) response.headers.set('x-should-retry', 'false')
    const judged = { signingKey: service.signingKey, bundle: () => session.bundleOf(service) }
    receipts.track(response, claimOf(request, inner, service, keyId), end, judged)
    return response
  }

  return {
    fetch: async (input, init) => respond(await prepareRequest(input, init)),
    fetchLive: async (input, init) => respond(await prepareRequest(input, init, true)),
    prepare: (service) => requestKey(service, now()).prepare(),
    async get(path) {
      const { inner } = await answer(await prepareRequest(INNER_ORIGIN + path))
      return (await toResponse(inner)).response
    },
  }
}

/** Of this request and the one that was sealed before, a gateway runs one. */
function replacing(request: InnerRequest, { enc }: OhttpRequestSealer): InnerRequest {
  const name = toBase64Url(crypto.sha256(enc))
  return { ...request, headers: [...request.headers, ['sotto-replaces', name]] }
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
