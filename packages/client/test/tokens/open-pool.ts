import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { challengeDigest, encodeChallenge, parseAuthorization, type Token } from '@sotto/protocol/tokens'
import { clientError } from '../../src/errors.ts'
import { createTokenPool, type TokenPoolOptions } from '../../src/tokens/pool.ts'
import { memoryShelf, type TokenShelf } from '../../src/tokens/shelf.ts'

export const challengeOf = (byte: number): Uint8Array =>
  encodeChallenge({ issuerName: 'i', redemptionContext: new Uint8Array(32).fill(byte), originInfo: '' })

/** A pool whose issuer does as `state` says. */
export function open(change: Partial<TokenPoolOptions> = {}) {
  const clock = { now: 1000 }
  const state = {
    orders: [] as number[],
    failure: undefined as Error | undefined,
    challenge: challengeOf(1),
    life: 10_000,
    quota: Number.POSITIVE_INFINITY,
    /** Purchases wait for it. */
    stalled: undefined as Promise<void> | undefined,
  }
  const pool = createTokenPool({
    size: 4,
    now: () => clock.now,
    fetchChallenge: async () => state.challenge,
    shelf: memoryShelf(),
    buysAhead: true,
    pause: async () => undefined,
    issuer: {
      async buy(challenge, count) {
        state.orders.push(count)
        await state.stalled
        if (state.failure) throw state.failure
        if (count > state.quota) throw clientError('ISSUER_QUOTA', 'none left')
        state.quota -= count
        return Array.from({ length: count }, () => ({
          notAfter: clock.now + state.life,
          token: {
            nonce: crypto.randomBytes(32),
            challengeDigest: challengeDigest(challenge),
            keyId: new Uint8Array(32),
            authenticator: new Uint8Array(256),
          },
        }))
      },
    },
    ...change,
  })
  const nonce = async (): Promise<string> => toHex((parseAuthorization(await pool.take()) as Token).nonce)
  return { pool, clock, state, nonce }
}
/** What lies on a shelf. */
export async function noncesOn(shelf: TokenShelf): Promise<string[]> {
  let found: string[] = []
  await shelf.update((tokens) => {
    found = tokens.map(({ token }) => toHex(token.nonce))
    return tokens
  })
  return found
}
/** Lets what runs in the background run. */
export const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 5))
