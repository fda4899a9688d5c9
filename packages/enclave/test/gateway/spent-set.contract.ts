import { expect, it } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { SpentEntry, SpentSet } from '../../src/gateway/tokens/index.ts'

/** A set under test, and how it is reached by several gateways where it can be. */
export interface OpenedSpentSet {
  /** At least one view of the same set: what two gateways have in their hands. */
  views: readonly [SpentSet, ...SpentSet[]]
  /** Unix seconds as the set takes them. */
  now: () => number
}

/** What every {@link SpentSet} keeps, in memory or over HTTP. `open` gives an empty one. */
export function itIsASpentSet(open: () => Promise<OpenedSpentSet> | OpenedSpentSet): void {
  const keyId = crypto.randomBytes(32)
  function entry(now: number, change: Partial<SpentEntry> = {}): SpentEntry {
    return { nonce: crypto.randomBytes(32), keyId, expiresAt: now + 1000, ...change }
  }

  it('spends an entry once, through every view', async () => {
    const { views, now } = await open()
    const one = entry(now())
    expect(await views[0].spend([one])).toEqual([true])
    for (const view of views) expect(await view.spend([one])).toEqual([false])
  })

  it('one of many racing spends wins', async () => {
    const { views, now } = await open()
    for (let round = 0; round < 20; round++) {
      const one = entry(now())
      const racing = Array.from({ length: 16 }, (_, index) => views[index % views.length]!.spend([one]))
      const won = (await Promise.all(racing)).flat().filter(Boolean)
      expect(won).toHaveLength(1)
    }
  })

  it('answers each entry of a call on its own, in order; of two alike the first wins', async () => {
    const { views, now } = await open()
    const [a, b, c] = [entry(now()), entry(now()), entry(now())]
    await views[0].spend([b])
    expect(await views[0].spend([a, b, c, a])).toEqual([true, false, true, false])
    expect(await views[0].spend([])).toEqual([])
  })

  it('knows a token by key and nonce together, whatever end it is told', async () => {
    const { views, now } = await open()
    const one = entry(now())
    expect(await views[0].spend([one])).toEqual([true])
    expect(await views[0].spend([{ ...one, keyId: crypto.randomBytes(32) }])).toEqual([true])
    expect(await views[0].spend([{ ...one, expiresAt: one.expiresAt + 1 }])).toEqual([false])
    expect(await views[0].spend([{ ...one, nonce: one.nonce.slice() }])).toEqual([false])
  })

  it('never spends what has ended: it may have been forgotten', async () => {
    const { views, now } = await open()
    expect(await views[0].spend([entry(now(), { expiresAt: now() })])).toEqual([false])
  })
}
