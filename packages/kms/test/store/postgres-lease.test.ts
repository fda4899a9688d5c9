import { utf8 } from '@sotto/protocol/bytes'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import {
  openPostgresStore,
  parseDatabaseUrl,
  type StoreAccess,
  type StoreTerm,
} from '../../src/store/index.ts'
import { Proxy } from '../postgres/proxy.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { PostgresServer } from '../postgres/server.ts'

const KEY = new Uint8Array(32).fill(7)
const LEASE_MS = 1200
let server: PostgresServer
let proxy: Proxy
let name: string
let stores = 0
const opened: StoreAccess[] = []

/** One process that shares the store; `viaProxy` can be cut off. */
function replica(
  options: { viaProxy?: boolean; monotonic?: () => number; leaseMs?: number } = {},
): StoreAccess {
  const { viaProxy = false, monotonic, leaseMs = LEASE_MS } = options
  const url = viaProxy ? server.tcpUrl({ port: proxy.port }) : server.url()
  const store = openPostgresStore({
    address: parseDatabaseUrl(url),
    name,
    sealingKey: KEY,
    leaseMs,
    ...(monotonic !== undefined && { monotonic }),
  })
  opened.push(store)
  return store
}

const acquire = (store: StoreAccess): Promise<StoreTerm> => store.acquire(AbortSignal.timeout(15_000))
const put = (key: string, value: string) => ({ table: 't', key, value: utf8(value) })
const STANDBY = { code: 'KMS_STANDBY', action: 'retry' }

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it never happened')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describeWithPostgres('replicas that share a store', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
    proxy = await Proxy.create(server.port)
  }, 60_000)
  beforeEach(() => {
    name = `lease-${stores++}`
    proxy.isSilent = false
    proxy.reset()
  })
  afterEach(async () => {
    proxy.isSilent = false
    proxy.dropAll()
    await Promise.all(opened.splice(0).map((store) => store.close()))
  })
  afterAll(async () => {
    await proxy.close()
    await server.remove()
  })

  test('one owns it, the other waits and says so, and takes over at once when it is given up', async () => {
    // Longer than the whole test: nobody takes over because a lease has run out on a busy machine.
    const leaseMs = 20_000
    const first = await acquire(replica({ leaseMs }))
    const reports: string[] = []
    // The one that waits asks as often as its own lease says.
    const second = replica().acquire(AbortSignal.timeout(15_000), (code) => reports.push(code))
    await until(() => reports.length >= 3)
    expect(new Set(reports)).toEqual(new Set(['KMS_STANDBY']))
    expect(first.isHeld()).toBe(true)
    await first.store.commit([put('a', 'first')])
    const started = performance.now()
    await first.end()
    const term = await second
    expect(performance.now() - started).toBeLessThan(leaseMs / 2)
    expect(await term.store.readAll()).toEqual([put('a', 'first')])
    expect(first.isHeld()).toBe(false)
  })

  test(claim('T11', 'a replica that was cut off commits nothing once another has taken over'), async () => {
    const first = await acquire(replica({ viaProxy: true }))
    await first.store.commit([put('a', 'first')])
    proxy.isSilent = true
    const second = await acquire(replica())
    // Before the other could take over, it had stopped to count on its own lease.
    expect(first.isHeld()).toBe(false)
    await second.store.commit([put('a', 'second')])
    proxy.isSilent = false
    proxy.dropAll()
    await until(() => first.isHeld() === false)
    // The first attempt may meet the dead connection; no attempt gets through.
    for (let attempt = 0; attempt < 3; attempt++) {
      await first.store.readAll().catch(() => undefined)
      await expect(first.store.commit([put('a', 'late')])).rejects.toMatchObject({ action: 'retry' })
    }
    await expect(first.store.readAll()).rejects.toMatchObject(STANDBY)
    await expect(first.confirm()).rejects.toMatchObject(STANDBY)
    await first.ended
    expect(await second.store.readAll()).toEqual([put('a', 'second')])
  })

  test('a machine that stood still learns from the database that its term is over', async () => {
    // Its own clock shows that no time has passed, as when a hypervisor stops it.
    const first = await acquire(replica({ monotonic: () => 0, viaProxy: true }))
    proxy.isSilent = true
    const second = await acquire(replica())
    expect(first.isHeld()).toBe(true)
    proxy.isSilent = false
    proxy.dropAll()
    await expect(first.store.commit([put('a', 'late')])).rejects.toMatchObject({ action: 'retry' })
    await first.confirm().catch(() => undefined)
    await expect(first.confirm()).rejects.toMatchObject(STANDBY)
    expect(await second.store.readAll()).toEqual([])
  })

  test('a lease that ran out while the database was away, and that nobody took, goes on', async () => {
    const term = await acquire(replica({ viaProxy: true }))
    proxy.isSilent = true
    await until(() => !term.isHeld())
    await expect(term.confirm()).rejects.toMatchObject(STANDBY)
    proxy.isSilent = false
    proxy.dropAll()
    await until(() => term.isHeld())
    await term.confirm()
    await term.store.readAll().catch(() => undefined)
    await term.store.readAll()
    await term.store.commit([put('a', 'x')])
  })

  test('a term of the past takes no commit although its process owns the store again', async () => {
    const store = replica()
    const first = await acquire(store)
    await first.end()
    const second = await acquire(store)
    await expect(first.store.commit([put('a', 'late')])).rejects.toMatchObject(STANDBY)
    expect(second.isHeld()).toBe(true)
    await second.store.commit([put('a', 'x')])
    expect(await second.store.readAll()).toEqual([put('a', 'x')])
  })

  test('somebody who holds the row keeps nobody waiting without end', async () => {
    const term = await acquire(replica())
    await term.end()
    const holding = replica()
    await acquire(holding).then(({ end }) => end())
    const held = `SELECT 1 FROM sotto_kms_store WHERE name = '${name}' FOR UPDATE`
    const sleep = server.background(`BEGIN; ${held}; SELECT pg_sleep(3)`)
    const locked = `SELECT count(*) FROM sotto_kms_store WHERE name = '${name}'`
    const free = `SELECT 1 FROM sotto_kms_store WHERE name = '${name}' FOR UPDATE SKIP LOCKED`
    expect(server.psql(locked)).toBe('1')
    await until(() => server.psql(free) === '')
    const reports: string[] = []
    const taken = await replica().acquire(AbortSignal.timeout(15_000), (code) => reports.push(code))
    expect(reports).toContain('KMS_STORE_FAILED')
    expect(taken.isHeld()).toBe(true)
    await sleep
  })

  test('of many that ask at once exactly one owns the store at any time', async () => {
    const owners = new Set<number>()
    let most = 0
    await Promise.all(
      Array.from({ length: 5 }, async (_, n) => {
        const store = replica()
        for (let round = 0; round < 3; round++) {
          const term = await acquire(store)
          owners.add(n)
          most = Math.max(most, owners.size)
          const count = (await term.store.readAll()).length
          await term.store.commit([put(String(count), String(n))])
          owners.delete(n)
          await term.end()
        }
      }),
    )
    expect(most).toBe(1)
    const last = await acquire(replica())
    expect(await last.store.readAll()).toHaveLength(15)
  })
})
