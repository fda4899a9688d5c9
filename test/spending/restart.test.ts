import { expect, it } from 'vitest'
import { type SpendRoster, SPENDING_TYPES } from '@sotto/protocol/spending'
import { MemoryStore } from '../../packages/kms/test/store/memory.ts'
import { claim } from '../claims.ts'
import { type Gateway, Party, token } from './party.ts'

const unavailable = { code: 'GATEWAY_SPENT_UNAVAILABLE', action: 'retry' }
const rosters = (party: Party): SpendRoster[] =>
  party.world.logged<SpendRoster>(SPENDING_TYPES.roster).map(({ document }) => document)

async function withTwo(): Promise<{ party: Party; a: Gateway; b: Gateway }> {
  const party = await Party.open()
  return { party, a: await party.gateway(), b: await party.gateway() }
}

/** Until the KMS has told it to wait for the others. */
function untilPaused(gateway: Gateway): Promise<void> {
  return new Promise((resolve) => {
    gateway.carry = async (_, send) => {
      const response = await send()
      if ((await response.clone().text()).includes('"KMS_SPENDING_PAUSED"')) resolve()
      return response
    }
  })
}

it(
  claim('T12', 'a KMS killed and started again goes on once every gateway has said what it was told'),
  async () => {
    const { party, a, b } = await withTwo()
    const [one, two] = [token(party.world), token(party.world)]
    await a.spend(one)
    await b.spend(two)
    const { context } = a
    await party.restart()
    await expect(a.set.tick(), 'the other may know more').rejects.toMatchObject({
      found: 'KMS_SPENDING_PAUSED',
    })
    await expect(a.spend(token(party.world)), 'held, then refused').rejects.toMatchObject(unavailable)
    await b.set.tick()
    await a.set.tick()
    expect([a.context, b.context]).toEqual([context, context])
    expect(await a.spend(one, two, token(party.world))).toEqual([false, false, true])
  },
)

it('requests that wait for the others are answered once those have come', async () => {
  const party = await Party.open()
  const [a, b] = [await party.gateway({ holdMs: 20_000 }), await party.gateway()]
  const one = token(party.world)
  await b.spend(one)
  await party.restart()
  const paused = untilPaused(a)
  const held = [a.spend(token(party.world)), a.spend(one)]
  await paused
  await b.set.tick()
  expect(await Promise.all(held)).toEqual([[true], [false]])
})

it(claim('T12', 'a database put back under a new start voids the tokens, it never forgets one'), async () => {
  const { party, a, b } = await withTwo()
  await a.spend(token(party.world))
  const old = party.copy()
  const spent = token(party.world)
  expect(await b.spend(spent)).toEqual([true])
  const { context } = a
  party.world.store = old
  await party.restart()
  // The one that knows more need not come first.
  await expect(a.set.tick()).rejects.toMatchObject({ found: 'KMS_SPENDING_PAUSED' })
  await b.set.tick()
  await a.set.tick()
  expect(b.context).not.toBe(context)
  expect(a.context).toBe(b.context)
})

it('a gateway that does not come in time: another context', async () => {
  const { party, a } = await withTwo()
  await a.spend(token(party.world))
  const { context } = a
  await party.restart()
  await expect(a.set.tick()).rejects.toMatchObject({ found: 'KMS_SPENDING_PAUSED' })
  party.wait()
  await a.set.tick()
  expect(a.context).not.toBe(context)
})

it(
  claim('T12', 'a token verified under a context that ended meanwhile is not spent in the next'),
  async () => {
    const party = await Party.open()
    const [a] = [await party.gateway({ holdMs: 20_000 }), await party.gateway()]
    await party.restart()
    const paused = untilPaused(a)
    const held = a.spend(token(party.world))
    held.catch(() => undefined)
    await paused
    party.wait()
    await expect(held).rejects.toMatchObject(unavailable)
  },
)

it('gateways that left, and those whose receipts ended, are waited for no more', async () => {
  const { party, a, b } = await withTwo()
  await a.spend(token(party.world))
  const { context } = a
  await b.set.leave()
  await expect(b.spend(token(party.world))).rejects.toMatchObject(unavailable)
  await party.restart()
  await a.set.tick()
  expect(a.context).toBe(context)
  const c = await party.gateway()
  // Beyond the last use of its keys; the other one renews its receipt.
  party.world.now += 86_400 + 700
  await party.world.kms.tick()
  await a.attest()
  await a.set.tick()
  await party.world.kms.tick()
  await expect(c.spend(token(party.world))).rejects.toMatchObject(unavailable)
  await party.restart()
  await a.set.tick()
  expect(a.context).toBe(context)
})

it('what a gateway was told that has ended since is in the log: a store before that is old', async () => {
  const { party, a, b } = await withTwo()
  await a.spend(token(party.world))
  const old = party.copy()
  await b.spend(token(party.world))
  const { context } = b
  await b.set.leave()
  party.world.store = old
  await party.restart()
  await a.set.tick()
  expect(a.context).not.toBe(context)
})

it(
  claim('T12', 'after a clean end, logged with where the set stands, nobody has to be waited for'),
  async () => {
    const { party, a } = await withTwo()
    const one = token(party.world)
    await a.spend(one)
    const { context } = a
    const old = party.copy()
    await a.spend(token(party.world))
    await party.world.kms.spending.close()
    expect(rosters(party).at(-1)).toMatchObject({ sequence: 2, gateways: [], context })
    await expect(a.spend(token(party.world)), 'it has ended').rejects.toMatchObject(unavailable)
    await party.restart()
    const fresh = await party.gateway()
    expect(fresh.context).toBe(context)
    expect(await fresh.spend(one)).toEqual([false])
    await party.world.kms.spending.close()
    party.turnBack(old)
    await party.restart()
    expect((await party.gateway()).context, 'a copy from before').not.toBe(context)
  },
)

it('a clean end counts only until the next start has answered somebody', async () => {
  const { party, a } = await withTwo()
  await a.spend(token(party.world))
  await party.world.kms.spending.close()
  const old = party.copy()
  await party.restart()
  const fresh = await party.gateway()
  const { context } = fresh
  await fresh.spend(token(party.world))
  party.turnBack(old)
  await party.restart()
  await expect(a.set.tick()).rejects.toMatchObject({ found: 'KMS_SPENDING_PAUSED' })
  await fresh.set.tick()
  expect(fresh.context).not.toBe(context)
})

it('a lost store: the log knows that there was a context, so another begins', async () => {
  const { party, a, b } = await withTwo()
  const { context } = a
  await a.spend(token(party.world))
  party.turnBack(new MemoryStore())
  await party.restart()
  await b.set.tick()
  expect(b.context).not.toBe(context)
})

it(claim(['T11', 'T12'], 'two KMS over copies of one store never answer one gateway in turn'), async () => {
  const { party, a, b } = await withTwo()
  const { context } = a
  const first = party.world.kms
  const [copy, race] = [party.copy(), token(party.world)]
  party.world.store = copy
  const second = await party.restart()
  a.reaches = () => first
  b.reaches = () => second
  // The first one still answers those who know no other.
  expect(await a.spend(race)).toEqual([true])
  await expect(b.set.tick(), 'it waits for the other').rejects.toMatchObject({ found: 'KMS_SPENDING_PAUSED' })
  // Whoever has turned to the second one does not come back to the first, whatever that answers.
  b.reaches = () => first
  await expect(b.spend(token(party.world))).rejects.toMatchObject(unavailable)
  // And the first takes nobody in any more: the log shows it that another one has started.
  const c = await party.gateway({}, () => first).catch((error: unknown) => error)
  expect(c).toMatchObject({ code: 'KMS_FENCED' })
  party.wait()
  b.reaches = () => second
  await b.set.tick()
  expect(b.context).not.toBe(context)
})
