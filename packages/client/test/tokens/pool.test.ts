import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { challengeDigest, encodeChallenge, parseAuthorization, type Token } from '@sotto/protocol/tokens'
import { clientError } from '../../src/errors.ts'
import { currentKey } from '../../src/tokens/issuer-keys.ts'
import { createTokenPool, type TokenPoolOptions } from '../../src/tokens/pool.ts'
import { openShelf } from '../../src/tokens/shelf.ts'
import { memoryStorage } from '../../src/trust/index.ts'

const challengeOf = (byte: number): Uint8Array =>
  encodeChallenge({ issuerName: 'i', redemptionContext: new Uint8Array(32).fill(byte), originInfo: '' })

function open(change: Partial<TokenPoolOptions> = {}) {
  const clock = { now: 1000 }
  const state = {
    orders: [] as number[],
    failure: undefined as Error | undefined,
    challenge: challengeOf(1),
    life: 10_000,
    quota: Number.POSITIVE_INFINITY,
  }
  const pool = createTokenPool({
    size: 4,
    now: () => clock.now,
    fetchChallenge: async () => state.challenge,
    shelf: undefined,
    pause: async () => undefined,
    issuer: {
      async buy(challenge, count) {
        state.orders.push(count)
        await Promise.resolve()
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
/** Lets what runs in the background run. */
const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 5))

describe('a pool', () => {
  it('is filled before it is used, and again when half is gone; no request waits, no token comes twice', async () => {
    const { pool, state, nonce } = open()
    pool.warmUp()
    await settle()
    expect(state.orders).toEqual([4])
    const seen = [await nonce()]
    await settle()
    expect(state.orders).toEqual([4])
    seen.push(await nonce())
    await settle()
    expect(state.orders).toEqual([4, 2])
    for (let i = 0; i < 20; i++) seen.push(await nonce())
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('serves many at once, also more than it holds', async () => {
    const { nonce } = open()
    const seen = await Promise.all(Array.from({ length: 200 }, nonce))
    expect(new Set(seen).size).toBe(200)
  })

  it('buys at most 64 at a time', async () => {
    const { pool, state } = open({ size: 200 })
    await pool.take()
    expect(Math.max(...state.orders)).toBe(64)
  })

  it('drops what was bought for another challenge, once the gateway says which it wants', async () => {
    const { pool, state } = open()
    await pool.take()
    state.challenge = challengeOf(2)
    pool.refused(state.challenge)
    expect(parseAuthorization(await pool.take()).challengeDigest).toEqual(challengeDigest(state.challenge))
    pool.refused(state.challenge)
    await settle()
    expect(state.orders.length).toBeLessThanOrEqual(3)
  })

  it('hands out no token whose key ends within a minute', async () => {
    const { clock, state, nonce } = open()
    const first = await nonce()
    clock.now += state.life - 59
    expect(await nonce()).not.toBe(first)
    expect(state.orders).toEqual([4, 4])
  })

  it('takes back what was not spent, once', async () => {
    const { pool, state } = open({ size: 1 })
    const one = await pool.take()
    await settle()
    pool.giveBack(one)
    pool.giveBack(one)
    pool.giveBack('PrivateToken token="nothing of ours"')
    const two = [await pool.take(), await pool.take()]
    expect(two).toContain(one)
    expect(two[0]).not.toBe(two[1])
    expect(state.orders.length).toBeLessThanOrEqual(3)
  })

  it('says why there is none, waits before it tries again in the background, and recovers', async () => {
    const { pool, state, clock, nonce } = open()
    state.failure = clientError('ISSUER_UNREACHABLE', 'gone')
    await expect(pool.take()).rejects.toMatchObject({ code: 'ISSUER_UNREACHABLE' })
    const before = state.orders.length
    pool.warmUp()
    await settle()
    expect(state.orders.length).toBe(before)
    clock.now += 10
    pool.warmUp()
    await settle()
    expect(state.orders.length).toBe(before + 1)
    state.failure = undefined
    expect(await nonce()).toBeDefined()
  })

  it('buys what the quota still covers, and says when that is nothing', async () => {
    const { state, nonce } = open({ size: 16 })
    state.quota = 5
    const seen = [await nonce(), await nonce(), await nonce(), await nonce(), await nonce()]
    expect(new Set(seen).size).toBe(5)
    await expect(nonce()).rejects.toMatchObject({ code: 'ISSUER_QUOTA' })
  })

  it('lets a while of its own pass before it buys in the background, unless it runs dry', async () => {
    const pause = Promise.withResolvers<undefined>()
    const { pool, state, nonce } = open({ size: 8, pause: () => pause.promise })
    pool.warmUp()
    await settle()
    for (let i = 0; i < 5; i++) await nonce()
    await settle()
    expect(state.orders).toEqual([8])
    await nonce()
    await settle()
    expect(state.orders).toEqual([8, 6])
    pause.resolve(undefined)
    await settle()
    expect(state.orders).toEqual([8, 6])
  })

  it('a request that is cancelled waits no longer, and spoils it for nobody', async () => {
    const never = Promise.withResolvers<Uint8Array>()
    const { pool } = open({ fetchChallenge: () => never.promise })
    const cancel = new AbortController()
    const [first, second] = [pool.take(cancel.signal), pool.take()]
    cancel.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    never.resolve(challengeOf(1))
    expect(await second).toMatch(/^PrivateToken /)
  })
})

it('buys with no key that ends before its tokens can be spent', () => {
  const key = { className: 'standard', notBefore: 0, notAfter: 1000, key: {} as never }
  expect(currentKey([key], 'standard', 939)).toBe(key)
  expect(currentKey([key], 'standard', 940)).toBeUndefined()
})

describe('a shelf', () => {
  it('keeps unspent tokens for the next run, and a token is off it before it is used', async () => {
    const storage = memoryStorage()
    const shelf = openShelf(storage, 'key', 'standard')
    const first = open({ shelf })
    const used = await first.nonce()
    const kept = (await openShelf(storage, 'key', 'standard').read()).map(({ token }) => toHex(token.nonce))
    expect(kept).toHaveLength(3)
    expect(kept).not.toContain(used)
    const next = open({ shelf: openShelf(storage, 'key', 'standard') })
    next.pool.warmUp()
    await settle()
    // Three of four are there: a purchase of one token would say that one request was sent.
    expect(next.state.orders).toEqual([])
    expect(kept).toContain(await next.nonce())
    expect(await openShelf(storage, 'key', 'bulk').read()).toEqual([])
  })

  it.each(['{', '[{}]', '[{"token":"AA","notAfter":1}]', '{"a":1}'])(
    'refuses what was damaged: %s',
    async (text) => {
      const storage = memoryStorage()
      await storage.set('tokens key standard', text)
      await expect(openShelf(storage, 'key', 'standard').read()).rejects.toMatchObject({
        code: 'STORAGE_INVALID',
      })
    },
  )
})
