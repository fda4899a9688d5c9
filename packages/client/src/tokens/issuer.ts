import { equalBytes } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import {
  type ClassKey,
  DIRECTORY_PATH,
  encodeBatchRequest,
  MAX_DIRECTORY_BYTES,
  MAX_TOKEN_MESSAGE_BYTES,
  parseBatchResponse,
  parseChallenge,
  prepareToken,
  type Token,
  TOKEN_MEDIA_TYPE,
  TOKEN_REQUEST_PATH,
} from '@sotto/protocol/tokens'
import { clientError } from '../errors.ts'
import { readBounded } from '../streams.ts'
import { logAddress, mediaType, OUTER_HEADERS, OUTER_INIT } from '../trust/index.ts'
import {
  currentKey,
  type IssuerTrust,
  livesLongEnough,
  MARGIN_SECONDS,
  MIN_KEY_SECONDS,
  verifyDirectory,
} from './issuer-keys.ts'

/** A token that was bought, ready to be spent. */
export interface BoughtToken {
  readonly token: Token
  /** When its key ends, Unix seconds. */
  readonly notAfter: number
}

/** An issuer tokens are bought from. */
export interface Issuer {
  /**
   * Buys tokens for a challenge, all in one request, each unblinded and verified. When the answer to a request does
   * not arrive, the next purchase starts with the same request: the issuer charges it once.
   * @throws `ISSUER_UNREACHABLE`, `ISSUER_REFUSED`, `ISSUER_QUOTA`, `ISSUER_INVALID`
   */
  buy(challenge: Uint8Array, count: number): Promise<BoughtToken[]>
}

/** How an issuer is reached and judged. */
export interface IssuerOptions {
  url: string
  apiKey: string
  className: string
  trust: IssuerTrust
  fetch: typeof globalThis.fetch
  /** Unix seconds. */
  now: () => number
}

const TIMEOUT_MS = 30_000
/** How long keys are used before the issuer is asked again: a successor is announced an hour before it begins. */
const KEYS_SECONDS = 600

/** Makes an {@link Issuer}. @throws `ISSUER_URL` */
export function createIssuer(options: IssuerOptions): Issuer {
  const { now, className } = options
  const root = issuerRoot(options.url)
  /** Digest of the statement that was found in the log. */
  let proven: string | undefined
  let verified: { keys: readonly ClassKey[]; name: string; at: number } | undefined
  /** A request whose answer did not arrive. It may be charged already. */
  let unanswered: Purchase | undefined

  async function call(path: string, init: RequestInit, maxBytes: number): Promise<Uint8Array> {
    let response: Response
    let body: Uint8Array | undefined
    try {
      response = await options.fetch(root + path, {
        ...OUTER_INIT,
        ...init,
        headers: { ...OUTER_HEADERS, ...(init.headers as Record<string, string>) },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      body = await readBounded(response.body, maxBytes)
    } catch (cause) {
      throw clientError('ISSUER_UNREACHABLE', 'the token issuer does not answer', { cause })
    }
    if (response.status !== 200) throw refusal(response.status, body)
    const { accept } = init.headers as { accept: string }
    if (body === undefined || mediaType(response) !== accept)
      throw clientError('ISSUER_INVALID', 'the token issuer answered with something else', {
        expected: accept,
      })
    return body
  }

  /** The key to buy with for a challenge. */
  async function keyFor(challenge: Uint8Array): Promise<Purchase['key']> {
    if (verified === undefined || now() >= verified.at + KEYS_SECONDS) {
      const headers = { accept: TOKEN_MEDIA_TYPE.directory }
      const bytes = await call(DIRECTORY_PATH, { headers }, MAX_DIRECTORY_BYTES)
      const { statement, digest, keys } = await verifyDirectory(bytes, options.trust, proven)
      proven = digest
      verified = { keys, name: statement.issuer, at: now() }
    }
    const { keys, name } = verified
    const { issuerName } = parseChallenge(challenge)
    // Its tokens would be charged, and refused there.
    if (issuerName !== name)
      throw clientError('ISSUER_REFUSED', 'the service takes tokens of another issuer', {
        expected: issuerName,
        found: name,
      })
    const current = currentKey(keys, className, now())
    if (current !== undefined) return current
    verified = undefined
    const own = keys.filter((key) => key.className === className)
    if (own.length > 0 && !own.some(livesLongEnough))
      throw clientError('ISSUER_INVALID', 'the keys of the issuer live too short to be those of everybody', {
        expected: `at least ${MIN_KEY_SECONDS} seconds`,
      })
    if (own.length > 0)
      throw clientError('ISSUER_UNREACHABLE', 'the issuer has no key of this class in force now', {
        found: className,
      })
    throw clientError('ISSUER_REFUSED', 'the issuer has no tokens of this class', { found: className })
  }

  async function send({ key: { notAfter }, pending, body }: Purchase): Promise<BoughtToken[]> {
    const headers = {
      accept: TOKEN_MEDIA_TYPE.batchResponse,
      'content-type': TOKEN_MEDIA_TYPE.batchRequest,
      authorization: `Bearer ${options.apiKey}`,
    }
    const init = { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> }
    const bytes = await call(TOKEN_REQUEST_PATH, init, MAX_TOKEN_MESSAGE_BYTES)
    try {
      const signatures = parseBatchResponse(bytes, pending.length)
      return pending.map((one, index) => ({ token: one.finish(signatures[index]!), notAfter }))
    } catch (cause) {
      throw clientError('ISSUER_INVALID', 'the issuer did not sign what was asked for', {
        cause,
      })
    }
  }

  return {
    async buy(challenge, count) {
      const current = await keyFor(challenge)
      const isSame =
        unanswered !== undefined &&
        equalBytes(unanswered.challenge, challenge) &&
        now() + MARGIN_SECONDS < unanswered.key.notAfter
      unanswered = isSame ? unanswered : prepare(current, challenge, count)
      try {
        const bought = await send(unanswered!)
        unanswered = undefined
        return bought
      } catch (error) {
        // Only where nobody knows whether it was charged is the same request worth sending again.
        if (!isUnanswered(error)) unanswered = undefined
        // The key may be gone: the directory says what there is now.
        verified = undefined
        throw error
      }
    },
  }
}

interface Purchase {
  key: NonNullable<ReturnType<typeof currentKey>>
  challenge: Uint8Array
  pending: ReturnType<typeof prepareToken>[]
  body: Uint8Array
}

function prepare(key: Purchase['key'], challenge: Uint8Array, count: number): Purchase {
  const pending = Array.from({ length: count }, () => prepareToken(key.key, challenge))
  const truncatedKeyId = key.key.id.at(-1)!
  const body = encodeBatchRequest(pending.map(({ blindedMessage }) => ({ truncatedKeyId, blindedMessage })))
  return { key, challenge, pending, body }
}

/** Whether nobody knows if it was charged. An issuer without the key charged nothing. */
function isUnanswered(error: unknown): boolean {
  return (
    error instanceof SottoError && error.code === 'ISSUER_UNREACHABLE' && error.found !== 'ISSUER_KEY_UNKNOWN'
  )
}

function refusal(status: number, body: Uint8Array | undefined): Error {
  const code = codeOf(body)
  const found = code ?? `status ${status}`
  if (status === 429) {
    return code === 'ISSUER_QUOTA'
      ? clientError('ISSUER_QUOTA', 'the account has no tokens of this class left in this period', { found })
      : clientError('ISSUER_UNREACHABLE', 'the token issuer asks to come back later', { found })
  }
  if (status >= 500 || code === 'ISSUER_KEY_UNKNOWN')
    return clientError('ISSUER_UNREACHABLE', 'the token issuer cannot answer now', { found })
  return clientError('ISSUER_REFUSED', 'the token issuer refuses this account or request', {
    found,
    hint: 'check the API key and the class of tokens',
  })
}

/** The issuer's own code, where it is one. */
function codeOf(body: Uint8Array | undefined): string | undefined {
  try {
    const value = JSON.parse(new TextDecoder().decode(body)) as { error?: { code?: unknown } }
    const code = value.error?.code
    return typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}

function issuerRoot(url: string): string {
  try {
    return logAddress(url, url).href.replace(/\/+$/, '')
  } catch (cause) {
    throw clientError('ISSUER_URL', 'the issuer needs an https address (http only on this machine)', {
      cause,
    })
  }
}
