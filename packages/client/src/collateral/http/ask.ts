import { sleep } from '../../sleep.ts'
import { collateralError } from '../errors.ts'
import { attempt } from './attempt.ts'
import type { HttpAnswer, HttpOptions, HttpQuestion } from './types.ts'

const DEFAULT_TIMEOUT_MS = 20_000
const DEFAULT_ATTEMPTS = 4
const DEFAULT_MAX_WAIT_MS = 60_000
/** Wait before the second attempt where the server names none; it doubles from attempt to attempt. */
const FIRST_WAIT_MS = 500

/**
 * Asks a vendor, again where that may help: after a failed connection, a server in trouble, or one that
 * asks to wait (AMD answers 429 after a few requests a minute). Waits as long as the server says, or
 * twice as long from time to time.
 *
 * @throws `COLLATERAL_UNREACHABLE`, `COLLATERAL_MISSING`, `COLLATERAL_INVALID`; what the signal was aborted with
 */
export async function ask(question: HttpQuestion, options: HttpOptions = {}): Promise<HttpAnswer> {
  const {
    fetch = globalThis.fetch,
    signal,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    attempts = DEFAULT_ATTEMPTS,
    maxWaitMs = DEFAULT_MAX_WAIT_MS,
    nowMs = Date.now,
    pause = sleep,
    random = Math.random,
    onWait,
  } = options
  for (let count = 1; ; count++) {
    signal?.throwIfAborted()
    const outcome = await attempt(question, fetch, { timeoutMs, nowMs: nowMs(), signal })
    if ('answer' in outcome) return outcome.answer
    const { error, afterMs, why } = outcome.setback
    if (count >= attempts) throw error
    if (afterMs !== undefined && afterMs > maxWaitMs) throw askedToWait(question, afterMs, error)
    const backoffMs = FIRST_WAIT_MS * 2 ** (count - 1) * (0.5 + random() / 2)
    const waitMs = Math.round(Math.min(Math.max(afterMs ?? 0, backoffMs), maxWaitMs))
    onWait?.(question.what, waitMs, why)
    await pause(waitMs, signal)
  }
}

function askedToWait(
  { what, url }: HttpQuestion,
  afterMs: number,
  cause: { found: string | undefined },
): Error {
  const seconds = Math.ceil(afterMs / 1000)
  return collateralError('COLLATERAL_UNREACHABLE', `${url.host} does not give ${what} yet`, {
    cause,
    found: `${cause.found ?? 'busy'}, to be asked again in ${seconds} s`,
    hint: `try again in ${seconds} s; asking earlier makes it wait longer`,
  })
}
