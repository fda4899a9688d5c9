import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { hasCode } from '@sotto/protocol/errors'
import { challengeDigest, formatAuthorization, MAX_BATCH, parseChallenge } from '@sotto/protocol/tokens'
import { clientError } from '../errors.ts'
import type { BoughtToken, Issuer } from './issuer.ts'
import { MARGIN_SECONDS } from './issuer-keys.ts'
import type { TokenShelf } from './shelf.ts'

/** Tokens kept ready, so that no request waits for one. */
export interface TokenPool {
  /**
   * One token as an `authorization` field, never given twice. Waits only when none is ready.
   * @throws as {@link Issuer.buy} when none can be bought; the reason of the signal
   */
  take(signal?: AbortSignal): Promise<string>
  /** A token that was certainly not spent comes back. Never rejects: what cannot be kept is lost. */
  giveBack(authorization: string): Promise<void>
  /** The gateway refused a token and asks for this challenge: all that were bought for another one are void. */
  refused(challenge: Uint8Array): void
  /** Fills the pool in the background. Failures show at {@link take}. */
  warmUp(): void
}

/** What a pool is made of. */
export interface TokenPoolOptions {
  issuer: Issuer
  /** Tokens kept ready; it is filled up when half of them are gone. */
  size: number
  /** Fetches the gateway's challenge, through the encryption. */
  fetchChallenge: () => Promise<Uint8Array>
  /** Where unspent tokens wait. */
  shelf: TokenShelf
  /**
   * Tokens taken off the shelf before a request wants them: a shelf in a file takes milliseconds for each. So many are
   * lost with the process. @default 0
   */
  inHand?: number
  /** Buys before it runs dry. Without, the request that finds nothing waits for a purchase. */
  buysAhead: boolean
  /** Unix seconds. */
  now: () => number
  /**
   * Waits for a random while before a purchase that no request waits for: who sees both must not read the time of
   * a request from the time of the purchase it caused.
   */
  pause: () => Promise<void>
}

/** Rounds of buying one request waits for: each round serves at least one waiter, mostly as many as wait. */
const MAX_ROUNDS = 64
/** Pause after a failed purchase before another one is tried in the background. */
const BACKOFF_SECONDS = 10

/** Makes a {@link TokenPool} over a shelf. */
export function createTokenPool(options: TokenPoolOptions): TokenPool {
  const { issuer, size, now, shelf, buysAhead, inHand = 0 } = options
  let challenge: Uint8Array | undefined
  /** Handed out and not known to be spent, to take back by. */
  const out = new Map<string, BoughtToken>()
  /** Off the shelf, and nobody's yet. */
  const hand: BoughtToken[] = []
  let reaching = 0
  let filling: Promise<void> | undefined
  let isPlanned = false
  /** Requests that wait for a token. */
  let waiting = 0
  let failedAt = Number.NEGATIVE_INFINITY

  const isAlive = ({ notAfter }: BoughtToken): boolean => now() + MARGIN_SECONDS < notAfter
  /** Those for the gateway's challenge. Others may be another gateway's, on a shelf that is shared. */
  function usable(tokens: readonly BoughtToken[]): BoughtToken[] {
    const digest = challenge && challengeDigest(challenge)
    return tokens.filter((one) => isAlive(one) && digest && equalBytes(one.token.challengeDigest, digest))
  }
  async function learnChallenge(): Promise<Uint8Array> {
    if (challenge !== undefined) return challenge
    const bytes = await options.fetchChallenge()
    parseChallenge(bytes)
    return (challenge ??= bytes)
  }
  async function fillUp(): Promise<void> {
    const current = await learnChallenge()
    let ready = 0
    let isEnough = false
    await shelf.update((tokens) => {
      ready = usable(tokens).length
      // Never one for each that was spent: a purchase would say when, and of whom, a request was.
      isEnough = ready > (buysAhead ? size / 2 : 0) && ready >= waiting
      // Written before a purchase: where nothing can be kept, nothing is bought.
      return isEnough ? tokens : tokens.filter(isAlive)
    })
    if (isEnough) return
    const bought = await buy(current, Math.min(Math.max(size - ready, waiting), MAX_BATCH))
    // In random order: the order of spending is not to be that of the issuer's batch.
    await shelf.update((tokens) => [...tokens.filter(isAlive), ...shuffled(bought)])
  }
  /** Fewer where the quota covers no more: what is left at the end of a period is not lost. */
  async function buy(current: Uint8Array, count: number): Promise<BoughtToken[]> {
    try {
      return await issuer.buy(current, count)
    } catch (error) {
      if (count === 1 || !hasCode(error, 'ISSUER_QUOTA')) throw error
      return buy(current, Math.floor(count / 2))
    }
  }
  function fill(): Promise<void> {
    filling ??= fillUp()
      .catch((error: unknown) => {
        failedAt = now()
        throw error
      })
      .finally(() => (filling = undefined))
    return filling
  }
  function fillInBackground(): void {
    if (now() >= failedAt && now() < failedAt + BACKOFF_SECONDS) return
    void fill().catch(() => undefined)
  }
  /** A purchase at a time of its own, unless the pool runs dry first. */
  function planFill(ready: number): void {
    if (!buysAhead || ready > size / 2) return
    if (ready <= size / 4) return fillInBackground()
    if (isPlanned) return
    isPlanned = true
    void options.pause().then(() => {
      isPlanned = false
      fillInBackground()
    })
  }

  /** One off the shelf; undefined when there is none. */
  async function takeOne(): Promise<BoughtToken | undefined> {
    if (challenge === undefined) return undefined
    let next: BoughtToken | undefined
    let left = 0
    // Durable before it is used: after a crash it must not be offered a second time.
    await shelf.update((tokens) => {
      const ready = usable(tokens)
      next = ready[0]
      left = ready.length - 1
      return next === undefined ? tokens : tokens.filter((one) => one !== next && isAlive(one))
    })
    if (next !== undefined) planFill(left)
    return next
  }
  /** One that is off the shelf already. */
  function fromHand(): BoughtToken | undefined {
    for (let one = hand.shift(); one !== undefined; one = hand.shift())
      if (usable([one]).length > 0) return one
    return undefined
  }
  /** Has the next one ready, while this request is on its way. */
  async function reach(): Promise<void> {
    if (hand.length + reaching >= inHand) return
    reaching++
    try {
      const next = await takeOne()
      if (next !== undefined) hand.push(next)
    } catch {
      // Whoever wants one next is told.
    } finally {
      reaching--
    }
  }
  async function take(signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted()
    const next = fromHand() ?? (await takeOrBuy(signal))
    void reach()
    const authorization = formatAuthorization(next.token)
    remember(authorization, next)
    return authorization
  }
  async function takeOrBuy(signal: AbortSignal | undefined): Promise<BoughtToken> {
    // A fill that began before may leave nothing for the last of many waiters; each of them tries again.
    for (let round = 0; round < MAX_ROUNDS; round++) {
      signal?.throwIfAborted()
      const next = await takeOne()
      if (next === undefined) {
        waiting++
        await abortable(fill(), signal).finally(() => waiting--)
        continue
      }
      return next
    }
    throw clientError('ISSUER_UNREACHABLE', 'requests take tokens faster than they can be bought')
  }
  function remember(authorization: string, token: BoughtToken): void {
    out.set(authorization, token)
    if (out.size > 2 * size) out.delete(out.keys().next().value!)
  }

  return {
    take,
    async giveBack(authorization) {
      const token = out.get(authorization)
      if (token === undefined) return
      out.delete(authorization)
      await shelf.update((tokens) => [...tokens, token]).catch(() => undefined)
    },
    refused(offered) {
      if (challenge === undefined || equalBytes(challenge, offered)) return
      const before = challengeDigest(challenge)
      challenge = offered
      const isNotVoid = ({ token }: BoughtToken): boolean => !equalBytes(token.challengeDigest, before)
      void shelf.update((tokens) => tokens.filter(isNotVoid)).catch(() => undefined)
    },
    warmUp: fillInBackground,
  }
}

function shuffled(tokens: readonly BoughtToken[]): BoughtToken[] {
  const keyed = tokens.map((token) => ({ token, place: toHex(crypto.randomBytes(8)) }))
  return keyed.sort((a, b) => (a.place < b.place ? -1 : 1)).map(({ token }) => token)
}

/** Waits for something shared that no single request may cancel. */
async function abortable(shared: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return shared
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([shared, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
