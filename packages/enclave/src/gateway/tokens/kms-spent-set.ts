import { fromHex, toBase64Url } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { MAX_SPEND_ENTRIES, type SpendContext, type SpendEntry } from '@sotto/protocol/spending'
import { pause } from '../../pause/index.ts'
import { gatewayError } from '../errors.ts'
import { KmsSession, type KmsSessionOptions } from './kms-session.ts'
import type { ContextualSpentSet, SpentEntry } from './spent-set.ts'

/** How long requests are held for an answer, and the pause before the KMS is asked again. */
export interface KmsSpentSetOptions extends KmsSessionOptions {
  /** Milliseconds, default 8000. */
  holdMs?: number
  /** Milliseconds, default 100. */
  retryMs?: number
  /** Milliseconds, never going back. Default `performance.now`. */
  monotonic?: () => number
}

/** The spent tokens of all gateways of one KMS, as one of them has them in its hands. */
export interface KmsSpentSet extends ContextualSpentSet {
  /**
   * Looks whether the KMS has begun another session, and joins it: a KMS that starts waits for that, for a while.
   * Call it every few seconds. @throws `GATEWAY_SPENT_UNAVAILABLE`, those of the transport
   */
  tick(): Promise<void>
  /** Ends this gateway's part: whatever is spent afterwards is refused. */
  leave(): Promise<void>
}

const HOLD_MS = 8000
const RETRY_MS = 100
/** Entries in line; more are refused at once. */
const MAX_WAITING = 4096

interface Waiting {
  entry: SpendEntry
  /** The context the token was verified under: under another it would count as unspent. */
  context: SpendContext
  /** When the holding ends. */
  until: number
  settle: (result: boolean | Error) => void
}

/**
 * Makes the set. One request to the KMS is under way at a time; what comes meanwhile goes with the next one. Without
 * an answer in time nothing is let in (T12): the token may be spent all the same.
 */
export function createKmsSpentSet(options: KmsSpentSetOptions): KmsSpentSet {
  const { holdMs = HOLD_MS, retryMs = RETRY_MS, monotonic = () => performance.now() } = options
  const session = new KmsSession(options)
  const waiting: Waiting[] = []
  let counter = 0
  let line: Promise<unknown> = Promise.resolve()
  let isRunning = false

  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = line.then(work)
    line = turn.catch(() => undefined)
    return turn
  }
  async function run(): Promise<void> {
    isRunning = true
    while (waiting.length > 0) await inLine(() => settleBatch(takeBatch()))
    isRunning = false
  }
  /** As many of one context as fit, oldest first. */
  function takeBatch(): Waiting[] {
    const { context } = waiting[0]!
    const end = waiting.findIndex((one) => one.context !== context)
    return waiting.splice(0, Math.min(end < 0 ? waiting.length : end, MAX_SPEND_ENTRIES))
  }
  async function settleBatch(batch: Waiting[]): Promise<void> {
    try {
      const spent = await exchange(batch)
      batch.forEach(({ settle }, index) => settle(spent[index]!))
    } catch (cause) {
      const error = unavailable(cause)
      batch.forEach(({ settle }) => settle(error))
    }
  }
  /** The same counter and entries until there is an answer or time is up. */
  async function exchange(batch: Waiting[]): Promise<boolean[]> {
    const number = ++counter
    const { context, until } = batch[0]!
    const entries = batch.map(({ entry }) => entry)
    for (;;) {
      try {
        if (!session.isJoined) await session.join()
        return await session.spend(context, number, entries)
      } catch (cause) {
        const isOver = session.isJoined && session.context !== context
        if (isOver || !isWorthRetrying(cause) || monotonic() + retryMs >= until) throw cause
        session.doubt()
        await pause(retryMs)
      }
    }
  }
  function spendOne({ nonce, keyId, expiresAt }: SpentEntry, context: SpendContext): Promise<boolean> {
    return new Promise((resolve, reject) => {
      waiting.push({
        entry: { nonce: toBase64Url(nonce), keyId: toBase64Url(keyId), expiresAt },
        context,
        until: monotonic() + holdMs,
        settle: (result) => (result instanceof Error ? reject(result) : resolve(result)),
      })
    })
  }

  return {
    context: () => (session.context === undefined ? undefined : fromHex(session.context)),
    set: {
      async spend(entries) {
        const { context } = session
        if (context === undefined) throw unavailable()
        if (waiting.length + entries.length > MAX_WAITING) throw unavailable()
        const spent = entries.map((entry) => spendOne(entry, context))
        if (!isRunning) void run()
        return Promise.all(spent)
      },
    },
    tick: () => inLine(() => session.join()),
    leave: () => inLine(() => session.leave()),
  }
}

function isWorthRetrying(error: unknown): boolean {
  return error instanceof SottoError && error.action === 'retry'
}

function unavailable(cause?: unknown): Error {
  return gatewayError('GATEWAY_SPENT_UNAVAILABLE', 'spent tokens cannot be remembered now', {
    ...(cause !== undefined && { cause }),
  })
}
