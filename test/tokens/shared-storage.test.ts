import { expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import type { SottoStorage } from '@sotto/client'
import { openAccount } from '../../packages/edge/test/issuer/parties.ts'
import { ask, openTown } from './town.ts'

/** A storage object over `values`, with a pause in each access. */
function storageOver(values: Map<string, string>): SottoStorage {
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))
  return {
    async get(key) {
      await pause()
      return values.get(key)
    },
    async set(key, value) {
      await pause()
      values.set(key, value)
    },
  }
}

it('two connections over one storage spend each token once, and lose none but those in hand', async () => {
  const town = await openTown()
  const { secret } = openAccount(town.issuer, 1000)
  const values = new Map<string, string>()
  const connections = await Promise.all(
    [0, 1].map(() =>
      town.newClient({
        tokens: {
          issuer: { url: 'https://issuer.example', key: toBase64Url(town.issuer.publicKey) },
          apiKey: secret,
          poolSize: 4,
          fetch: async (input, init) => town.issuer.app(new Request(input, init as RequestInit)),
          storage: storageOver(values),
        },
      }),
    ),
  )
  const answers = await Promise.all(Array.from({ length: 24 }, (_, index) => ask(connections[index % 2]!)))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  const spent = town.tokens.map(({ nonce }) => toBase64Url(nonce))
  // None was refused as spent, so none was offered twice.
  expect(spent).toHaveLength(24)
  expect(new Set(spent).size).toBe(24)
  const left = (): number => {
    const kept = [...values].find(([name]) => name.startsWith('tokens '))!
    return (JSON.parse(kept[1]) as unknown[]).length
  }
  const bought = (): number => town.issuer.charges.usage().reduce((sum, { tokens }) => sum + tokens, 0)
  // One in the hand of each; what is being bought is on no shelf yet.
  await expect.poll(() => bought() - 24 - left()).toBeLessThanOrEqual(2)
  expect(bought() - 24 - left()).toBeGreaterThanOrEqual(0)
})
