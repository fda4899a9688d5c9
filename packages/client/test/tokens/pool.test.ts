import { describe, expect, it } from 'vitest'
import { challengeDigest, parseAuthorization } from '@sotto/protocol/tokens'
import { clientError } from '../../src/errors.ts'
import { currentKey } from '../../src/tokens/issuer-keys.ts'
import { challengeOf, open, settle } from './open-pool.ts'

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

  it('gives all that it holds at once while a purchase never ends; only then a request waits', async () => {
    const { pool, state, nonce } = open({ size: 8 })
    pool.warmUp()
    await settle()
    const stalled = Promise.withResolvers<void>()
    state.stalled = stalled.promise
    const inTime = (): Promise<string> => Promise.race([nonce(), settle().then(() => 'waited')])
    const seen: string[] = []
    for (let i = 0; i < 8; i++) seen.push(await inTime())
    expect(state.orders, 'it is under way').toEqual([8, 4])
    expect(seen).not.toContain('waited')
    expect(new Set(seen).size).toBe(8)
    expect(await inTime()).toBe('waited')
    stalled.resolve()
    expect(await nonce()).toMatch(/^[0-9a-f]{64}$/)
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
    await pool.giveBack(one)
    await pool.giveBack(one)
    await pool.giveBack('PrivateToken token="nothing of ours"')
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
