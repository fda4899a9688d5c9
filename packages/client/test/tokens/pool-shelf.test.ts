import { describe, expect, it } from 'vitest'

import { memoryShelf, openShelf, type TokenShelf } from '../../src/tokens/shelf.ts'
import { memoryStorage } from '../../src/trust/index.ts'
import { challengeOf, noncesOn, open, settle } from './open-pool.ts'

describe('a shelf', () => {
  it('keeps unspent tokens for the next run, and a token is off it before it is used', async () => {
    const storage = memoryStorage()
    const shelf = openShelf(storage, 'key', 'standard')
    const first = open({ shelf })
    const used = await first.nonce()
    const kept = await noncesOn(openShelf(storage, 'key', 'standard'))
    expect(kept).toHaveLength(3)
    expect(kept).not.toContain(used)
    const next = open({ shelf: openShelf(storage, 'key', 'standard') })
    next.pool.warmUp()
    await settle()
    // Three of four are there: a purchase of one token would say that one request was sent.
    expect(next.state.orders).toEqual([])
    expect(kept).toContain(await next.nonce())
    expect(await noncesOn(openShelf(storage, 'key', 'bulk'))).toEqual([])
  })

  it.each(['{', '[{}]', '[{"token":"AA","notAfter":1}]', '{"a":1}'])(
    'refuses what was damaged: %s',
    async (text) => {
      const storage = memoryStorage()
      await storage.set('tokens key standard', text)
      await expect(noncesOn(openShelf(storage, 'key', 'standard'))).rejects.toMatchObject({
        code: 'STORAGE_INVALID',
      })
    },
  )

  it('is not taken from where nobody knows whether a token is off it', async () => {
    const kept = memoryShelf()
    await open({ shelf: kept }).pool.take()
    const before = await noncesOn(kept)
    let isFailing = true
    const shelf: TokenShelf = {
      async update(change) {
        await kept.update(change)
        if (isFailing) throw new Error('written, and reported as failed')
      },
    }
    const { nonce, state, pool } = open({ shelf })
    await expect(nonce()).rejects.toThrow('reported as failed')
    isFailing = false
    pool.warmUp()
    await settle()
    isFailing = true
    await expect(nonce()).rejects.toThrow('reported as failed')
    isFailing = false
    // That one is lost: it may be somebody's by now.
    const rest = [await nonce(), await nonce()]
    expect(before.filter((one) => !rest.includes(one))).toHaveLength(1)
    expect(state.orders[0]).toBeUndefined()
  })

  it('nothing is bought where nothing can be kept', async () => {
    const shelf: TokenShelf = {
      async update(change) {
        const none: readonly never[] = []
        if (change(none) !== none) throw new Error('the disk is full')
      },
    }
    const { nonce, state } = open({ shelf })
    await expect(nonce()).rejects.toThrow('the disk is full')
    expect(state.orders).toEqual([])
  })

  it('of one gateway leaves what was bought for another one', async () => {
    const shelf = memoryShelf()
    const [here, there] = [open({ shelf }), open({ shelf })]
    there.state.challenge = challengeOf(9)
    const first = await here.nonce()
    await there.nonce()
    const seen = [await here.nonce(), await there.nonce(), await here.nonce()]
    expect(new Set([first, ...seen]).size).toBe(4)
    const before = await noncesOn(shelf)
    here.pool.refused(challengeOf(3))
    // Those of the gateway that lost its memory are void, and off the shelf; the others are not.
    const after = await noncesOn(shelf)
    expect(after.length).toBeGreaterThan(0)
    expect(after.length).toBeLessThan(before.length)
    expect(after).toContain(await there.nonce())
  })
})

describe('a shelf that takes its time', () => {
  /** A shelf of which each change waits until it is let through. */
  function gated() {
    const kept = memoryShelf()
    const waiting: (() => void)[] = []
    let isOpen = true
    const shelf: TokenShelf = {
      async update(change) {
        if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve))
        await kept.update(change)
      },
    }
    return {
      kept,
      shelf,
      close: () => void (isOpen = false),
      open() {
        isOpen = true
        for (const go of waiting.splice(0)) go()
      },
    }
  }

  it('is waited for by the first request only, where requests come one by one', async () => {
    const { shelf, close, open: letThrough, kept } = gated()
    const { nonce } = open({ shelf, inHand: 1 })
    const seen = [await nonce()]
    await settle()
    for (let i = 0; i < 6; i++) {
      close()
      seen.push(await nonce())
      // It is off the shelf before it is used, whatever the shelf does now.
      expect(await noncesOn(kept)).not.toContain(seen.at(-1))
      letThrough()
      await settle()
    }
    expect(new Set(seen).size).toBe(7)
  })

  it('has no more taken off it than that, and nothing void or ended comes from hand', async () => {
    const { shelf, kept } = gated()
    const one = open({ shelf, inHand: 1, buysAhead: false })
    const seen = [await one.nonce()]
    await settle()
    expect(await noncesOn(kept)).toHaveLength(2)
    one.state.challenge = challengeOf(2)
    one.pool.refused(one.state.challenge)
    await settle()
    seen.push(await one.nonce())
    await settle()
    one.clock.now += one.state.life - 59
    seen.push(await one.nonce())
    expect(new Set(seen).size).toBe(3)
    expect(one.state.orders).toEqual([4, 4, 4])
  })

  it('many at once get one each, and all that was bought is somewhere', async () => {
    const { shelf, kept } = gated()
    const { nonce, state } = open({ shelf, inHand: 1 })
    const seen = await Promise.all(Array.from({ length: 50 }, nonce))
    await settle()
    const bought = state.orders.reduce((sum, count) => sum + count, 0)
    const all = [...seen, ...(await noncesOn(kept))]
    expect(new Set(all).size).toBe(all.length)
    // But the one in hand.
    expect(bought - all.length).toBeLessThanOrEqual(1)
  })
})

describe('a process that ends soon', () => {
  it('buys when there is none left, and for the next ones as well', async () => {
    const shelf = memoryShelf()
    const orders: number[][] = []
    for (let run = 0; run < 9; run++) {
      const { pool, nonce, state } = open({ shelf, buysAhead: false })
      pool.warmUp()
      await nonce()
      await settle()
      orders.push(state.orders)
    }
    expect(orders).toEqual([[4], [], [], [], [4], [], [], [], [4]])
  })

  it('buys for as many requests as wait', async () => {
    const { nonce, state } = open({ buysAhead: false })
    const seen = await Promise.all(Array.from({ length: 10 }, nonce))
    expect(new Set(seen).size).toBe(10)
    expect(state.orders.length).toBeLessThanOrEqual(3)
  })
})
