import type { BhttpRequestHead } from '@sotto/protocol/bhttp'
import { SottoError } from '@sotto/protocol/errors'
import type { DateWindow } from './date-window.ts'
import { gatewayError } from './errors.ts'
import type { ReceiptDraft } from './receipt.ts'
import { admitReplacement, REPLACES_FIELD } from './replaces.ts'
import type { RequestReader } from './request-reader.ts'
import { admitTarget, INNER_AUTHORITY, valueOf } from './target.ts'
import { answerOnceSpent, type TokenGate } from './tokens/index.ts'

/** The app inside the encryption. It sees plaintext and nothing about the connection. */
export type InnerApp = (request: Request) => Promise<Response>

/** What answering one inner request needs. */
export interface AnswerContext {
  inner: InnerApp
  /** Authorities that `inner` answers for. Default: the inner API's. */
  authorities?: readonly string[] | undefined
  dates: DateWindow
  reader: RequestReader
  /** Aborted when nobody waits for the answer any more. */
  over: AbortController
  /** Where every request needs a token. */
  tokens: TokenGate | undefined
  /** Runs the app on behalf of whoever may be told apart here. The app learns nothing of it. */
  onBehalf: OnBehalf
  /** Whether a request changes nothing: it may begin in vain. Absent: none does before its token is spent. */
  onlyComputes?: ((method: string, path: string) => boolean) | undefined
  /** See `KeyRing.replace`. Absent: clients of this dialect repeat nothing. */
  replace?: (digest: Uint8Array) => boolean
}

/** Runs the inner app for a request with a token of this class, if it had one. */
export type OnBehalf = (tokenClass: string | undefined, run: () => Promise<Response>) => Promise<Response>

/** RFC 9458 Section 6.5.2. */
const DATE_PROBLEM = 'https://iana.org/assignments/http-problem-types#date'
/** Content of a request that has no use for any, and of one the app did not read to its end. */
const MAX_IGNORED_BYTES = 2 ** 20

/** Runs the inner app on an authentic head and the body that follows it. Never throws but `GATEWAY_CUT`. */
export async function answerInner(
  head: BhttpRequestHead,
  draft: ReceiptDraft,
  context: AnswerContext,
): Promise<Response> {
  const { inner, dates, reader, over, tokens, onBehalf, replace = () => false } = context
  try {
    if (!dates.accepts(valueOf(head, 'date'))) return dateProblem(dates.now())
    const { method, authority, url, headers } = admitTarget(head, context.authorities)
    // Before the token: whoever repeats a request brings the same one.
    admitReplacement(valueOf(head, REPLACES_FIELD), replace)
    const token = tokens?.admit(method, head.path, valueOf(head, 'authorization'))
    if (token instanceof Response) return token
    const answer = async (signal: AbortSignal): Promise<Response> => {
      const run = (request: Request) => onBehalf(token?.className, () => inner(request))
      if (method !== 'GET') {
        const body = bodyOf(reader, draft, over)
        return run(new Request(url, { method, headers, signal, body, duplex: 'half' } as RequestInit))
      }
      if (!(await finishRequest(reader, draft, over)))
        throw gatewayError('GATEWAY_TARGET', 'this request takes no such content')
      return run(new Request(url, { method, headers, signal }))
    }
    // Of an app nobody knows what it does with a request.
    if (token?.isNew && authority === INNER_AUTHORITY && context.onlyComputes?.(method, head.path))
      return await answerOnceSpent(token.spent, over.signal, answer)
    // The app is not called before the token is spent, which takes its time elsewhere.
    if (token !== undefined) reader.readAhead()
    await token?.spent
    return await answer(over.signal)
  } catch (error) {
    if (over.signal.aborted) throw gatewayError('GATEWAY_CUT', 'the request was cut', { cause: error })
    return refuseInner(error, tokens)
  }
}

/**
 * The content as it is verified; it fails unless the verified end of the message is reached, and from when somebody else
 * reads the rest: whoever reads it gets all of it up to some place, and never what comes behind a hole.
 */
function bodyOf(
  reader: RequestReader,
  draft: ReceiptDraft,
  over: AbortController,
): ReadableStream<Uint8Array> {
  let isUnwanted = false
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (reader.isTaken) throw new Error('the answer is over, and so is its request')
        try {
          const event = await reader.next()
          if (event.type === 'content') draft.request.update(event.bytes)
          // An app that has refused the rest is no reason to take its answer away.
          if (isUnwanted) return
          if (event.type === 'content') controller.enqueue(event.bytes)
          else controller.close()
        } catch (error) {
          // Whatever the app makes of it, no answer leaves: the client has not asked for anything yet.
          over.abort(error)
          throw error
        }
      },
      cancel() {
        isUnwanted = true
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * Reads what is left of the request, which nobody else gets then. False when that is more than {@link MAX_IGNORED_BYTES}, which
 * nobody waits for. When the request turns out cut, `over` is aborted and this throws.
 */
export async function finishRequest(
  reader: RequestReader,
  draft: ReceiptDraft,
  over: AbortController,
): Promise<boolean> {
  let ignored = 0
  reader.take()
  try {
    while (!reader.isComplete) {
      const event = await reader.next()
      if (event.type !== 'content') continue
      draft.request.update(event.bytes)
      ignored += event.bytes.length
      if (ignored > MAX_IGNORED_BYTES) return false
    }
    return true
  } catch (error) {
    over.abort(error)
    throw error
  }
}

function dateProblem(now: number): Response {
  // The client corrects its clock by `date` and tries once more, under fresh keys.
  const headers = { 'content-type': 'application/problem+json', date: new Date(now).toUTCString() }
  return new Response(
    JSON.stringify({ type: DATE_PROBLEM, title: 'date is missing or too far from the date here' }),
    { status: 400, headers },
  )
}

const INNER_STATUSES: Readonly<Record<string, number>> = {
  GATEWAY_TARGET: 421,
  GATEWAY_REPLACED: 409,
  BHTTP_TOO_LARGE: 413,
  GATEWAY_TOKEN_MISSING: 401,
  GATEWAY_TOKEN_INVALID: 401,
  GATEWAY_TOKEN_CHALLENGE: 401,
  GATEWAY_TOKEN_KEY: 401,
  GATEWAY_TOKEN_SPENT: 401,
  GATEWAY_TOKEN_RATE: 429,
  GATEWAY_ISSUER_SILENT: 503,
  GATEWAY_SPENT_UNAVAILABLE: 503,
  GATEWAY_REPLAY_FULL: 503,
}

/** Refusals that leave the token as good as it was. */
const UNSPENT: ReadonlySet<string> = new Set(['GATEWAY_TOKEN_RATE', 'GATEWAY_ISSUER_SILENT'])

/** {@link innerError} with what its sender may do next: bring another token, this one again, or nothing. */
export function refuseInner(error: unknown, tokens: TokenGate | undefined): Response {
  const refusal = innerError(error)
  if (refusal.status === 401 && tokens) refusal.headers.set('www-authenticate', tokens.wwwAuthenticate)
  if (!(error instanceof SottoError)) return refusal
  if (UNSPENT.has(error.code)) refusal.headers.set('sotto-token', 'unspent')
  // Whoever had it first may be this very request, on another way.
  if (error.code === 'GATEWAY_TOKEN_SPENT') refusal.headers.set('sotto-token', 'spent')
  // OpenAI SDKs repeat every 409 of their own accord.
  if (error.action === 'stop') refusal.headers.set('x-should-retry', 'false')
  return refusal
}

/** Refusals of the gateway itself, in the envelope of the inner API. */
export function innerError(error: unknown): Response {
  const known = error instanceof SottoError ? error : undefined
  const status =
    known === undefined ? 500 : (INNER_STATUSES[known.code] ?? (known.action === 'fix-input' ? 400 : 500))
  const message = known?.message ?? 'something went wrong inside; nothing of your request was logged'
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  const body = { error: { message, type, param: null, code: known?.code.toLowerCase() ?? 'internal' } }
  return Response.json(body, { status })
}
