import type { SottoError } from '@sotto/protocol/errors'
import { readBounded } from '../../streams.ts'
import { mediaType, OUTER_HEADERS, OUTER_INIT } from '../../trust/outer-fetch.ts'
import { collateralError } from '../errors.ts'
import { parseRetryAfter } from './retry-after.ts'
import type { HttpAnswer, HttpQuestion } from './types.ts'

/** Why an attempt failed that another one may not. */
export interface Setback {
  error: SottoError
  /** Milliseconds the server asks to wait; undefined where it says nothing. */
  afterMs: number | undefined
  why: string
}

/** How one attempt ended. */
export type Outcome = { answer: HttpAnswer } | { setback: Setback }

/** Statuses after which the same question may be answered: too many requests, and servers in trouble. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])
/** Statuses that say that there is no such thing, here or any more. */
const ABSENT: ReadonlySet<number> = new Set([400, 404, 410, 422])

/**
 * One connection: no redirects, no credentials, no cookies, no compression, a bounded body of an
 * expected type.
 *
 * @throws `COLLATERAL_INVALID`, `COLLATERAL_MISSING`, `COLLATERAL_UNREACHABLE` where trying again is of no use
 */
export async function attempt(
  question: HttpQuestion,
  fetch: typeof globalThis.fetch,
  { timeoutMs, nowMs, signal }: { timeoutMs: number; nowMs: number; signal: AbortSignal | undefined },
): Promise<Outcome> {
  const { url, what, body, headers, accepts } = question
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, {
      ...OUTER_INIT,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...OUTER_HEADERS,
        accept: accepts.length === 0 ? '*/*' : accepts.join(', '),
        ...(body !== undefined && { 'content-type': body.type }),
        ...headers,
      },
      ...(body !== undefined && { body: new Uint8Array(body.bytes) }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    if (response.status === 200) return { answer: await readAnswer(question, response) }
    await response.body?.cancel()
    return { setback: judgeStatus(question, response, nowMs) }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    const why = timeout.aborted ? `no whole answer in ${timeoutMs / 1000} s` : 'connection failed'
    return { setback: { error: unreachable(what, url, why, cause), afterMs: undefined, why } }
  }
}

async function readAnswer(
  { what, accepts, maxBytes, url }: HttpQuestion,
  response: Response,
): Promise<HttpAnswer> {
  const type = mediaType(response)
  if (accepts.length > 0 && type !== '' && !accepts.includes(type)) {
    await response.body?.cancel()
    throw collateralError('COLLATERAL_INVALID', `${url.host} answers with something else than ${what}`, {
      expected: accepts.join(' or '),
      found: type.slice(0, 128),
    })
  }
  const body = await readBounded(response.body, maxBytes)
  if (body === undefined)
    throw collateralError('COLLATERAL_INVALID', `${url.host} answers with too much for ${what}`, {
      expected: `at most ${maxBytes} bytes`,
    })
  if (body.length === 0)
    throw collateralError('COLLATERAL_INVALID', `${url.host} answers with nothing for ${what}`)
  return { body, header: (name) => response.headers.get(name) }
}

function judgeStatus({ what, url }: HttpQuestion, response: Response, nowMs: number): Setback {
  const { status } = response
  const found = `status ${status}`
  if (PASSING.has(status)) {
    const afterMs = parseRetryAfter(response.headers.get('retry-after'), nowMs)
    return { error: unreachable(what, url, found), afterMs, why: found }
  }
  // A redirect under `redirect: manual` has status 0 in browsers.
  if (status === 0 || (status >= 300 && status < 400))
    throw collateralError('COLLATERAL_INVALID', `${url.host} sends elsewhere for ${what}`, {
      expected: 'an answer from the host itself',
      found: 'a redirect',
    })
  if (ABSENT.has(status))
    throw collateralError('COLLATERAL_MISSING', `${url.host} has not ${what}`, { found })
  throw unreachable(what, url, found)
}

function unreachable(what: string, url: URL, found: string, cause?: unknown): SottoError {
  return collateralError('COLLATERAL_UNREACHABLE', `${url.host} does not give ${what}`, {
    found,
    ...(cause !== undefined && { cause }),
  })
}
