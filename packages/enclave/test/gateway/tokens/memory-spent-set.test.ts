import { describe, expect, it } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { createMemorySpentSet } from '../../../src/gateway/tokens/index.ts'
import { claim } from '../../../../../test/claims.ts'
import { itIsASpentSet } from '../spent-set.contract.ts'

const keyId = crypto.randomBytes(32)
const entry = (expiresAt: number, key = keyId) => ({ nonce: crypto.randomBytes(32), keyId: key, expiresAt })

describe('a spent set in memory', () => {
  itIsASpentSet(() => {
    const { set } = createMemorySpentSet({ maxEntries: 1000, now: () => 5000 })
    return { views: [set, set], now: () => 5000 }
  })

  it(
    claim('T12', 'refuses when it is full rather than forget, and has room again when a key has ended'),
    async () => {
      let now = 5000
      const { set } = createMemorySpentSet({ maxEntries: 3, now: () => now })
      const kept = entry(6000)
      expect(await set.spend([kept, entry(6000), entry(7000, crypto.randomBytes(32))])).toEqual([
        true,
        true,
        true,
      ])
      await expect(set.spend([entry(6000)])).rejects.toMatchObject({
        code: 'GATEWAY_SPENT_UNAVAILABLE',
        action: 'retry',
      })
      now = 5999
      await expect(set.spend([entry(6000)])).rejects.toMatchObject({ code: 'GATEWAY_SPENT_UNAVAILABLE' })
      now = 6000
      expect(await set.spend([entry(7000), entry(7000)])).toEqual([true, true])
      await expect(set.spend([entry(7000)])).rejects.toMatchObject({ code: 'GATEWAY_SPENT_UNAVAILABLE' })
    },
  )

  it(claim('T12', 'has another context whenever it is empty again'), () => {
    const contexts = Array.from({ length: 8 }, () =>
      createMemorySpentSet({ maxEntries: 1, now: () => 0 }).context()!,
    )
    expect(new Set(contexts.map((context) => Buffer.from(context).toString('hex'))).size).toBe(8)
  })
})
