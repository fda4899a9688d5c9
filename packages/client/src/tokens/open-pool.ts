import { crypto } from '@sotto/protocol/crypto-backend'
import type { TileReader } from '@sotto/protocol/merkle'
import type { TrustPolicy } from '@sotto/verifier'
import { clientError } from '../errors.ts'
import type { CheckpointMemory } from '../trust/index.ts'
import type { SottoStorage } from '../types.ts'
import { createIssuer } from './issuer.ts'
import { createTokenPool, type TokenPool } from './pool.ts'
import { memoryShelf, openShelf } from './shelf.ts'
import { statementMemory } from './seen-statement.ts'
import type { TokenOptions } from './types.ts'

/** What a connection lends its pool. */
export interface OpenTokenPoolOptions {
  tokens: TokenOptions
  policy: TrustPolicy
  memory: CheckpointMemory
  /** Where checkpoints are kept. */
  storage: SottoStorage
  readTile: TileReader
  fetch: typeof globalThis.fetch
  /** Unix seconds. */
  now: () => number
  /** A GET inside the encryption. */
  get: (path: string) => Promise<Response>
}

/** Where the gateway says what tokens have to be bought for. */
const CHALLENGE_PATH = '/sotto/token-challenge'
const MAX_CHALLENGE_BYTES = 1024
const API_KEY = /^sk-sotto-[A-Za-z0-9_-]{43}$/
const ISSUER_KEY = /^[A-Za-z0-9_-]{43}$/
const DEFAULT_SIZE = 16
const MAX_SIZE = 256
/** Longest pause before a purchase that no request waits for. */
const MAX_PAUSE_MS = 30_000

/** Opens the pool of one connection. Nothing is sent before it is used. @throws `ISSUER_URL` */
export function openTokenPool(options: OpenTokenPoolOptions): TokenPool {
  const { tokens, now, policy, memory, readTile } = options
  const { class: className = 'standard', poolSize = DEFAULT_SIZE, storage, buysAhead = true } = tokens
  const isSized = Number.isSafeInteger(poolSize) && poolSize >= 1 && poolSize <= MAX_SIZE
  if (!API_KEY.test(tokens.apiKey) || !ISSUER_KEY.test(tokens.issuer.key) || !isSized)
    throw clientError('ISSUER_URL', 'the token issuer is not configured right', {
      expected: `an API key sk-sotto-…, an Ed25519 key in base64url, a pool of 1 to ${MAX_SIZE}`,
    })
  const issuer = createIssuer({
    url: tokens.issuer.url,
    apiKey: tokens.apiKey,
    className,
    trust: {
      key: tokens.issuer.key,
      policy,
      memory,
      statements: statementMemory(options.storage, tokens.issuer.key),
      readTile,
    },
    fetch: tokens.fetch ?? options.fetch,
    now,
  })
  return createTokenPool({
    issuer,
    size: poolSize,
    now,
    pause: pauseAtRandom,
    shelf: tokens.shelf ?? (storage ? openShelf(storage, tokens.issuer.key, className) : memoryShelf()),
    buysAhead,
    inHand: buysAhead && (tokens.shelf ?? storage) !== undefined ? 1 : 0,
    async fetchChallenge() {
      const response = await options.get(CHALLENGE_PATH)
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (response.status === 200 && bytes.length <= MAX_CHALLENGE_BYTES) return bytes
      throw clientError('ISSUER_REFUSED', 'this service takes no access tokens', {
        found: `status ${response.status}`,
        hint: 'connect without an issuer',
      })
    },
  })
}

/** Up to {@link MAX_PAUSE_MS}; a process that has nothing else to do ends meanwhile. */
function pauseAtRandom(): Promise<void> {
  const [a = 0, b = 0] = crypto.randomBytes(2)
  return new Promise((done) => {
    const timer: unknown = setTimeout(done, ((256 * a + b) / 65_536) * MAX_PAUSE_MS)
    if (typeof timer === 'object') (timer as { unref?: () => void }).unref?.()
  })
}
