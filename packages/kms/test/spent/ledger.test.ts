import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { decodeMask, type SpendEntry } from '@sotto/protocol/spending'
import { claim } from '../../../../test/claims.ts'
import { SpentLedger } from '../../src/spent/ledger.ts'
import { JOURNAL_SLOTS } from '../../src/spent/records.ts'
import { splitStore } from '../../src/spent/split-store.ts'
import { testStore } from '../store/contract.ts'
import { type Fault, MemoryStore } from '../store/memory.ts'

const CONTEXT = 'cd'.repeat(32)
const NOW = 1_800_000_000
const keyOf = (n: number): string => toBase64Url(crypto.sha256(Uint8Array.of(n)))
const entry = (n: number, change: Partial<SpendEntry> = {}): SpendEntry => ({
  nonce: toBase64Url(crypto.sha256(Uint8Array.of(n >> 8, n))),
  keyId: keyOf(0),
  expiresAt: NOW + 1000,
  ...change,
})

let counter = 0
function spend(
  ledger: SpentLedger,
  entries: SpendEntry[],
  now = NOW,
): { first: boolean[]; sequence: number } {
  const { mask, sequence } = ledger.spend({ gateway: 'g', counter: ++counter, digest: 'd', entries }, now)
  return { first: decodeMask(mask, entries.length), sequence }
}
async function durably(ledger: SpentLedger, entries: SpendEntry[], now = NOW): Promise<boolean[]> {
  const { first, sequence } = spend(ledger, entries, now)
  await ledger.settle(sequence)
  return first
}
async function fresh(store = new MemoryStore(), maxEntries?: number): Promise<SpentLedger> {
  const ledger = await SpentLedger.open(store, maxEntries)
  await ledger.begin(CONTEXT)
  return ledger
}

it('remembers over starts, through the journal and the blocks it becomes', async () => {
  const store = new MemoryStore()
  let ledger = await fresh(store)
  const rounds = 3 * JOURNAL_SLOTS + 7
  for (let n = 0; n < rounds; n++) {
    expect(await durably(ledger, [entry(n, { keyId: keyOf(n % 2) })])).toEqual([true])
    if (n % 50 === 49) ledger = await SpentLedger.open(store)
  }
  expect(store.records.size, 'a bounded number of rows').toBeLessThanOrEqual(JOURNAL_SLOTS + 3)
  ledger = await SpentLedger.open(store)
  expect([ledger.context, ledger.durable, ledger.size]).toEqual([CONTEXT, rounds, rounds])
  for (let n = 0; n < rounds; n++)
    expect(spend(ledger, [entry(n, { keyId: keyOf(n % 2) })]).first).toEqual([false])
})

it('fills blocks and goes on with the next, over starts', async () => {
  const store = new MemoryStore()
  let ledger = await fresh(store)
  const nonces = Array.from({ length: 20_000 }, (_, n) => entry(n))
  for (let at = 0; at < nonces.length; at += 250) {
    await durably(ledger, nonces.slice(at, at + 250))
    if (at === 10_000) ledger = await SpentLedger.open(store)
  }
  for (let n = 0; n < JOURNAL_SLOTS + 1; n++) await durably(ledger, [entry(30_000 + n)])
  ledger = await SpentLedger.open(store)
  expect(ledger.size).toBe(20_000 + JOURNAL_SLOTS + 1)
  expect(spend(ledger, nonces.slice(0, 256)).first.some(Boolean)).toBe(false)
  expect(spend(ledger, nonces.slice(-256)).first.some(Boolean)).toBe(false)
})

it('begins another context with nothing of the old one, in memory and in the store', async () => {
  const store = new MemoryStore()
  const ledger = await fresh(store)
  await durably(ledger, [entry(1)])
  await ledger.begin('ef'.repeat(32))
  expect(await durably(ledger, [entry(1)])).toEqual([true])
  expect(ledger.spendOf('other')).toBeUndefined()
  expect((await SpentLedger.open(store)).size).toBe(1)
})

it(claim('T12', 'a full set refuses, it forgets nothing; room comes when an issuer key ends'), async () => {
  const ledger = await fresh(new MemoryStore(), 4)
  await durably(ledger, [entry(1), entry(2), entry(3)])
  expect(() => spend(ledger, [entry(4), entry(5)])).toThrow(
    expect.objectContaining({ code: 'KMS_SPENDING_FULL' }),
  )
  expect(await durably(ledger, [entry(1)])).toEqual([false])
  const later = NOW + 1000
  expect(await durably(ledger, [entry(4, { keyId: keyOf(1), expiresAt: later + 1 })], later)).toEqual([true])
})

it('takes tokens of a bounded number of issuer keys', async () => {
  const ledger = await fresh()
  for (let n = 0; n < 64; n++) spend(ledger, [entry(n, { keyId: keyOf(n) })])
  expect(() => spend(ledger, [entry(1, { keyId: keyOf(64) })])).toThrow(
    expect.objectContaining({ code: 'KMS_SPENDING_FULL' }),
  )
})

it(
  claim(['T12', 'T13'], 'what has been forgotten is never spent again, also not with a clock set back'),
  async () => {
    const store = new MemoryStore()
    let ledger = await fresh(store)
    await durably(ledger, [entry(1)])
    expect(await durably(ledger, [entry(1)], NOW + 1000)).toEqual([false])
    // Until blocks are written, what ended is forgotten.
    const other = { keyId: keyOf(1), expiresAt: NOW + 5000 }
    for (let n = 0; n < 2 * JOURNAL_SLOTS; n++) await durably(ledger, [entry(n, other)], NOW + 1000)
    ledger = await SpentLedger.open(store)
    expect(ledger.size).toBe(2 * JOURNAL_SLOTS)
    expect(spend(ledger, [entry(1)], NOW).first).toEqual([false])
  },
)

it('an answer waits for its commit, and many wait for one', async () => {
  const store = new MemoryStore()
  const ledger = await fresh(store)
  const before = store.commits
  const sequences = Array.from({ length: 50 }, (_, n) => spend(ledger, [entry(n)]).sequence)
  expect(ledger.durable).toBe(0)
  await Promise.all(sequences.map((sequence) => ledger.settle(sequence)))
  expect([ledger.durable, store.commits - before]).toEqual([50, 1])
})

it('whichever commits fail, before or after they happen: what was durable stays spent', async () => {
  const faults = fc.array(
    fc.constantFrom<(Fault | undefined)[]>(undefined, undefined, 'not-persisted', 'reported-failed'),
    {
      maxLength: 90,
    },
  )
  await fc.assert(
    fc.asyncProperty(faults, fc.nat({ max: 60 }), async (plan, warm) => {
      const store = new MemoryStore()
      let ledger = await fresh(store)
      for (let n = 0; n < warm; n++) await durably(ledger, [entry(5000 + n)])
      const durable: number[] = []
      for (const [n, fault] of plan.entries()) {
        store.fault = () => fault
        const { first, sequence } = spend(ledger, [entry(n)])
        expect(first).toEqual([true])
        const isDurable = await ledger.settle(sequence).then(
          () => true,
          () => false,
        )
        expect(isDurable).toBe(fault === undefined)
        if (isDurable)
          durable.splice(0, durable.length, ...Array.from({ length: n + 1 }, (_, index) => index))
        store.fault = () => undefined
        // A killed process: what was never acknowledged may be gone.
        if (n % 20 === 19) {
          ledger = await SpentLedger.open(store)
          for (let index = 0; index <= n; index++) spend(ledger, [entry(index)])
          await ledger.settle(ledger.spendOf('g')!.sequence)
        }
      }
      ledger = await SpentLedger.open(store)
      for (const n of durable) expect(spend(ledger, [entry(n)]).first).toEqual([false])
    }),
    { numRuns: process.env['SLOW'] === '1' ? 300 : 25 },
  )
}, 60_000)

const shared = new MemoryStore()
testStore('a store that lends one table', async () => splitStore(shared, 'spent').rest)

it('two owners of one store do not see each other, and a failure of one is not the other one’s', async () => {
  const store = new MemoryStore()
  const { rest, own } = splitStore(store, 'spent')
  const put = (table: string, key: string): Parameters<typeof rest.commit>[0] => [
    { table, key, value: Uint8Array.of(1) },
  ]
  await Promise.all([rest.commit(put('state', 'a')), own.commit(put('spent', 'b'))])
  const names = async (view: typeof rest): Promise<string[]> => (await view.readAll()).map(({ key }) => key)
  expect([await names(rest), await names(own)]).toEqual([['a'], ['b']])
  await expect(rest.commit(put('spent', 'c'))).rejects.toThrow(RangeError)
  await expect(own.commit(put('state', 'c'))).rejects.toThrow(RangeError)
  let reads = 0
  const { readAll } = store
  store.readAll = () => {
    reads++
    return readAll.call(store)
  }
  store.fault = () => 'reported-failed'
  await expect(own.commit(put('spent', 'd'))).rejects.toThrow('the store failed')
  store.fault = () => undefined
  await rest.commit(put('state', 'e'))
  expect(reads, 'looked into before the next commit').toBe(1)
  expect([await names(rest), await names(own)]).toEqual([
    ['a', 'e'],
    ['b', 'd'],
  ])
})
