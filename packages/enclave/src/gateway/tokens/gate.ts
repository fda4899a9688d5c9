import { equalBytes } from '@sotto/protocol/bytes'
import {
  challengeDigest,
  formatChallenge,
  parseAuthorization,
  type Token,
  verifyToken,
} from '@sotto/protocol/tokens'
import { createRateLimiter, type RateLimiter } from '@sotto/serve/limits'
import { hasCode } from '@sotto/protocol/errors'
import { gatewayError } from '../errors.ts'
import { createBrought } from './brought.ts'
import { gatewayChallenge } from './challenge.ts'
import type { IssuerKeySource, LiveKey } from './issuer-keys.ts'
import type { SpentSet } from './spent-set.ts'

/** Requests with tokens of one class, all clients together: bursts of `burst`, then `perSecond` on average. */
export interface ClassLimit {
  perSecond: number
  burst: number
}

/** What a gate is made of. */
export interface TokenGateOptions {
  /** `issuer_name` of the challenge. */
  issuerName: string
  /** What the spent set's memory is bound to: 32 bytes that change when it may have forgotten something. Undefined: nothing is let in now. */
  spendContext: () => Uint8Array | undefined
  spent: SpentSet
  keys: Pick<IssuerKeySource, 'find' | 'isCurrent'>
  /** Accepted classes; tokens of others are of an unknown key. */
  classes: Readonly<Record<string, ClassLimit>>
  /** Unix seconds on a clock that never goes back. */
  now: () => number
}

/** A token that holds, on its way to be spent. */
export interface Redemption {
  className: string
  /**
   * Resolves once nobody has spent it before, and never will again. Until then no answer may leave.
   * @throws `GATEWAY_TOKEN_SPENT`, `GATEWAY_SPENT_UNAVAILABLE`
   */
  spent: Promise<void>
  /** Nobody brought it here before: work may begin that is thrown away where it turns out spent elsewhere. */
  isNew: boolean
}

/** Lets requests in that bring a token nobody spent before. */
export interface TokenGate {
  /** `WWW-Authenticate` of refusals, the same for everybody. @throws `GATEWAY_SPENT_UNAVAILABLE` before the first context */
  readonly wwwAuthenticate: string
  /**
   * Answers the gate's own route, and lets a free one pass (undefined); for others, begins to spend the token of the
   * `authorization` field (attacker-controlled; undefined when absent).
   * @throws `GATEWAY_TOKEN_…`, `GATEWAY_ISSUER_SILENT`, `GATEWAY_SPENT_UNAVAILABLE`: the request goes no further
   */
  admit(method: string, path: string, authorization: string | undefined): Response | Redemption | undefined
}

/** Where clients find the challenge, inside the encryption. */
export const CHALLENGE_PATH = '/sotto/token-challenge'

/**
 * Routes that work without a token: what receipts are proven with belongs to a request that was paid for, and is
 * a lookup in memory.
 */
const FREE_PATHS: ReadonlySet<string> = new Set(['/sotto/receipt-certificate'])

/** Tokens of which it is known that somebody brought them here: beyond it the oldest are new again. */
const MAX_BROUGHT = 16_384

/** Makes a gate with a challenge of its own. */
export function createTokenGate(options: TokenGateOptions): TokenGate {
  const { keys, spent, now } = options
  const brought = createBrought(MAX_BROUGHT)
  let known: Challenge | undefined
  const limits = new Map<string, RateLimiter>(
    Object.entries(options.classes).map(([name, { burst, perSecond }]) => [
      name,
      createRateLimiter({ capacity: burst, perSecond }),
    ]),
  )

  /** The challenge of this moment's context. */
  function current(): Challenge {
    const context = options.spendContext()
    if (context === undefined)
      throw gatewayError('GATEWAY_SPENT_UNAVAILABLE', 'it is not known yet what was spent')
    if (known === undefined || !equalBytes(known.context, context))
      known = challengeFor(options.issuerName, context)
    return known
  }

  /** Everything that can be known of a token without spending it. */
  function verify(token: Token): { key: LiveKey; limit: RateLimiter } {
    if (!equalBytes(token.challengeDigest, current().digest))
      throw gatewayError('GATEWAY_TOKEN_CHALLENGE', 'the token was bought for another challenge')
    const key = keys.find(token.keyId)
    // It may be good: whoever sent it must not throw it away because of what is missing here.
    if (key === undefined && !keys.isCurrent())
      throw gatewayError('GATEWAY_ISSUER_SILENT', 'the issuer of tokens has not been heard for too long')
    const limit = key && limits.get(key.className)
    if (key === undefined || limit === undefined || now() < key.notBefore || now() >= key.notAfter)
      throw gatewayError('GATEWAY_TOKEN_KEY', 'the key of the token is not accepted here')
    if (!verifyToken(token, key.verifying))
      throw gatewayError('GATEWAY_TOKEN_INVALID', 'the issuer did not sign this token')
    return { key, limit }
  }

  function redeem(token: Token): Redemption {
    const { key, limit } = verify(token)
    takeFrom(limit)
    const isNew = brought.add(token.nonce)
    // No pause since the context was compared: the set counts the token in that one.
    const spending = spend(token, key, limit)
    // Whoever waits for it is told.
    spending.catch(() => undefined)
    return { className: key.className, spent: spending, isNew }
  }

  async function spend({ nonce, keyId }: Token, { notAfter }: LiveKey, limit: RateLimiter): Promise<void> {
    let isFirst: boolean | undefined
    try {
      ;[isFirst] = await spent.spend([{ nonce, keyId, expiresAt: notAfter }])
    } catch (cause) {
      throw gatewayError('GATEWAY_SPENT_UNAVAILABLE', 'spent tokens cannot be remembered now', { cause })
    } finally {
      // Whoever sends a spent token again and again must not use up what others may do.
      if (isFirst !== true) limit.giveBack()
    }
    if (isFirst !== true) throw gatewayError('GATEWAY_TOKEN_SPENT', 'the token was spent before')
  }

  return {
    get wwwAuthenticate() {
      return current().header
    },
    admit(method, path, authorization) {
      const [name] = path.split('?', 1)
      if (path === CHALLENGE_PATH && method === 'GET')
        return new Response(current().challenge as Uint8Array<ArrayBuffer>, {
          headers: { 'content-type': 'application/octet-stream' },
        })
      if (method === 'GET' && FREE_PATHS.has(name!)) return undefined
      // Whoever is told to bring another token is told for which challenge.
      current()
      if (authorization === undefined)
        throw gatewayError('GATEWAY_TOKEN_MISSING', 'this service takes requests with an access token only')
      return redeem(readToken(authorization))
    },
  }
}

/** What every client is asked for under one context. */
interface Challenge {
  context: Uint8Array
  challenge: Uint8Array
  digest: Uint8Array
  header: string
}

function challengeFor(issuerName: string, context: Uint8Array): Challenge {
  const challenge = gatewayChallenge(issuerName, context)
  const header = formatChallenge({ challenge, tokenKey: undefined })
  return { context, challenge, digest: challengeDigest(challenge), header }
}

function readToken(authorization: string): Token {
  try {
    return parseAuthorization(authorization)
  } catch {
    // Without the cause: nothing of a token goes anywhere.
    throw gatewayError('GATEWAY_TOKEN_INVALID', 'the authorization holds no token of type 2')
  }
}

function takeFrom(limit: RateLimiter): void {
  try {
    limit.take()
  } catch (cause) {
    if (!hasCode(cause, 'HTTP_TOO_MANY')) throw cause
    throw gatewayError('GATEWAY_TOKEN_RATE', 'too many requests of this class; the token is not spent', {
      cause,
    })
  }
}
