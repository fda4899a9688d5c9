import { describe, expect, it } from 'vitest'
import { itIsASpentSet } from '../../packages/enclave/test/gateway/spent-set.contract.ts'
import { claim } from '../claims.ts'
import { type Gateway, Party, token } from './party.ts'

describe('two gateways that share the set of one KMS', () => {
  itIsASpentSet(async () => {
    const party = await Party.open()
    const gateways = [await party.gateway(), await party.gateway()] as const
    return { views: [gateways[0].set.set, gateways[1].set.set], now: () => party.world.now }
  })
})

it(claim('T12', 'of one token that two gateways race, over and over, one of them lets it in'), async () => {
  const party = await Party.open()
  const gateways = [await party.gateway(), await party.gateway()]
  const tokens = Array.from({ length: 300 }, () => token(party.world))
  const won = await Promise.all(gateways.map(async (gateway) => (await gateway.spend(...tokens)).map(Number)))
  expect(tokens.map((_, index) => won[0]![index]! + won[1]![index]!)).toEqual(tokens.map(() => 1))
})

it('has one context for all gateways, and for a gateway that starts again: its tokens stay valid', async () => {
  const party = await Party.open()
  const before = await party.gateway()
  const [spent, unspent] = [token(party.world), token(party.world)]
  expect(await before.spend(spent)).toEqual([true])
  // Killed, and another boot in its place.
  const after: Gateway = await party.gateway()
  expect(after.context).toBe(before.context)
  expect(await after.spend(spent, unspent)).toEqual([false, true])
})

it('sends what comes while a request is under way with the next one, as many as fit', async () => {
  const party = await Party.open()
  const gateway = await party.gateway()
  const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let sent = 0
  gateway.carry = async (_, send) => {
    if (sent++ === 0) {
      begun.resolve()
      await released.promise
    }
    return send()
  }
  const first = gateway.spend(token(party.world))
  await begun.promise
  const spends = Array.from({ length: 600 }, () => gateway.spend(token(party.world)))
  released.resolve()
  expect((await Promise.all([first, ...spends])).flat()).toEqual([true, ...spends.map(() => true)])
  // 1, then 256, 256 and the rest.
  expect(sent).toBe(4)
})

it('commits what many gateways ask at once together, before any of them is answered', async () => {
  const party = await Party.open()
  const gateways = await Promise.all(Array.from({ length: 6 }, () => party.gateway()))
  const before = party.store.commits
  await Promise.all(gateways.map((gateway) => gateway.spend(token(party.world))))
  expect(party.store.commits - before).toBeLessThanOrEqual(3)
})
