import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type Fault, MemoryStore } from '../../packages/kms/test/store/memory.ts'
import { claim } from '../claims.ts'
import { type Fate, Mini, type MiniGateway, openMiniGateway, turn } from './mini.ts'

const numRuns = process.env['SLOW'] === '1' ? 3000 : 60
const TOKENS = 3
const keyId = crypto.sha256(new Uint8Array(2))
const nonces = Array.from({ length: TOKENS }, (_, index) => new Uint8Array(32).fill(index))

const gateway = fc.nat({ max: 1 })
/** The newest is 0. */
const ago = fc.nat({ max: 3 })
const spend = fc.record({
  kind: fc.constant('spend' as const),
  gateway,
  tokens: fc.array(fc.nat({ max: TOKENS - 1 }), { minLength: 1, maxLength: 2 }),
  awaits: fc.boolean(),
})
/** What may happen, in any order; spends that are not awaited are under way during what follows. */
const step = fc.oneof(
  { weight: 7, arbitrary: spend },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('lose' as const),
      gateway,
      fate: fc.constantFrom<Fate>('request lost', 'answer lost', 'late'),
    }),
  },
  {
    weight: 3,
    // Over what the store holds, or held some steps before; with gateways that come at once, or not.
    arbitrary: fc.record({
      kind: fc.constant('restart' as const),
      back: fc.option(ago),
      comes: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reach' as const), gateway, run: ago }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const), gateway }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('wait' as const, 'close' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('replace' as const), gateway, leaves: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom<Fault>('not-persisted', 'reported-failed'),
    }),
  },
)

/** A disk takes its time: others come in between. */
class SlowStore extends MemoryStore {
  override async commit(...change: Parameters<MemoryStore['commit']>): Promise<void> {
    for (let turns = 0; turns < 4; turns++) await turn()
    await super.commit(...change)
  }
}

function copyOf(store: MemoryStore): SlowStore {
  const copy = new SlowStore()
  for (const [name, record] of store.records) copy.records.set(name, record)
  return copy
}

/** One history; what was let in, as context and token. */
async function live(steps: readonly Step[]): Promise<string[]> {
  const mini = new Mini()
  await mini.start(new SlowStore())
  const copies: SlowStore[] = []
  const gateways: MiniGateway[] = [openMiniGateway(mini), openMiniGateway(mini)]
  const won: string[] = []
  const open: Promise<unknown>[] = []
  const quietly = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined)
  const everybodyComes = async (): Promise<void> => {
    for (let round = 0; round < 2; round++) for (const { set } of gateways) await quietly(set.tick())
  }
  async function spendAt({ set }: MiniGateway, tokens: readonly number[]): Promise<void> {
    const context = set.context()
    const entries = tokens.map((one) => ({ nonce: nonces[one]!, keyId, expiresAt: mini.now + 900_000 }))
    const answered = await set.set.spend(entries)
    answered.forEach((isFirst, index) => isFirst && won.push(`${toHex(context!)} ${tokens[index]}`))
  }
  await everybodyComes()
  for (const one of steps) {
    copies.unshift(copyOf(mini.newest.store))
    if (one.kind === 'spend') {
      const spending = quietly(spendAt(gateways[one.gateway]!, one.tokens))
      open.push(spending)
      await (one.awaits ? spending : turn())
    } else if (one.kind === 'lose') gateways[one.gateway]!.next = one.fate
    else if (one.kind === 'restart') {
      await mini.start(one.back === null ? copies[0]! : copyOf(copies[one.back % copies.length]!))
      for (const each of gateways) each.reaches = mini.newest
      if (one.comes) await everybodyComes()
    } else if (one.kind === 'reach') {
      gateways[one.gateway]!.reaches = mini.runs[Math.max(0, mini.runs.length - 1 - one.run)]!
      await quietly(gateways[one.gateway]!.set.tick())
    } else if (one.kind === 'tick') await quietly(gateways[one.gateway]!.set.tick())
    else if (one.kind === 'wait') mini.now += 31
    else if (one.kind === 'close') await quietly(mini.newest.session.close())
    else if (one.kind === 'replace') {
      if (one.leaves) await quietly(gateways[one.gateway]!.set.leave())
      gateways[one.gateway] = openMiniGateway(mini)
      await everybodyComes()
    } else if (one.kind === 'fault') {
      let isDue = true
      mini.newest.store.fault = () => (isDue ? ((isDue = false), one.fault) : undefined)
    }
  }
  await Promise.all(open)
  return won
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

it(
  claim('T12', 'whatever is lost, killed, copied and turned back: no token is let in twice in one context'),
  { timeout: 600_000 },
  async () => {
    let letIn = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), async (steps) => {
        const won = await live(steps)
        letIn += won.length
        expect(won.toSorted()).toEqual([...new Set(won)].toSorted())
      }),
      { numRuns },
    )
    // A set that lets nobody in would pass.
    expect(letIn).toBeGreaterThan(numRuns)
  },
)
