import { type KmsCertificate, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { kmsError } from '../src/errors.ts'
import { CERTIFICATE_SECONDS } from '../src/statements/index.ts'
import { type Fault, MemoryStore } from './store/memory.ts'
import { World } from './world.ts'

const storeOf = (world: World): MemoryStore => world.store as MemoryStore
const bootsOf = (world: World): string[] =>
  world.logged<KmsCertificate>(PAYLOAD_TYPES.kmsCertificate).map(({ document }) => document.signingKey)

function copyOf(store: MemoryStore): MemoryStore {
  const copy = new MemoryStore()
  for (const [name, record] of store.records)
    copy.records.set(name, { ...record, value: record.value.slice() })
  return copy
}

/** Each write of a boot, in its order: key written down, certificate logged, log read. */
const PLACES = [
  ['the key is written down', 'store', 0],
  ['the certificate is logged', 'log', 0],
  ['what was read of the log is kept', 'store', 1],
] as const
const TABLE = PLACES.flatMap(([name, where, at]) =>
  (['not-persisted', 'reported-failed'] as const).map((fault) => [name, fault, where, at] as const),
)

/** One fault at a write of the next boot: of its record in the store, or of its certificate in the log. */
function breakAt(world: World, where: 'store' | 'log', at: number, fault: Fault): void {
  const store = storeOf(world)
  let writes = 0
  store.error = () => kmsError('KMS_STORE_FAILED', 'injected')
  store.commit = (changes, sealingKey) => {
    const isBoot = changes.some(({ key }) => key === 'booting')
    const isDue = where === 'store' && isBoot && writes++ === at
    store.fault = () => (isDue ? fault : undefined)
    return MemoryStore.prototype.commit.call(store, changes, sealingKey)
  }
  const from = world.log.appends
  if (where === 'log') world.log.appendFault = (n) => (n === from + at ? fault : undefined)
}

test.each(TABLE)(
  'a start that fails where %s (%s) goes on with the same certificate',
  async (_, fault, where, at) => {
    const world = await World.ready()
    const before = bootsOf(world)
    const parts = world.parts()
    breakAt(world, where, at, fault)
    await expect(world.start(parts)).rejects.toMatchObject({ action: 'retry' })
    await world.start(parts)
    expect(bootsOf(world)).toHaveLength(before.length + 1)
    expect(world.kms.readiness()).toEqual({ ready: true })
  },
)

test.each(TABLE)('a renewal that fails where %s (%s) makes one certificate', async (_, fault, where, at) => {
  const world = await World.ready()
  const before = bootsOf(world)
  world.now += CERTIFICATE_SECONDS / 2 + 1
  breakAt(world, where, at, fault)
  await expect(world.kms.tick()).rejects.toMatchObject({ action: 'retry' })
  await world.kms.tick()
  expect(bootsOf(world)).toHaveLength(before.length + 1)
  expect(new Set(bootsOf(world)).size).toBe(before.length + 1)
})

test.each(TABLE)(
  'killed where %s (%s), the next process starts, and its boot is the newest',
  async (_, fault, where, at) => {
    const world = await World.ready()
    breakAt(world, where, at, fault)
    await expect(world.start()).rejects.toMatchObject({ action: 'retry' })
    await world.start()
    expect(world.kms.readiness()).toEqual({ ready: true })
    expect(bootsOf(world).at(-1)).toBe(world.kms.view.boot.statementKey.publicKey)
    await world.start()
  },
)

test(claim('T11', 'an old copy is refused although a boot is all that came after it'), async () => {
  const world = new World()
  await world.start()
  const old = copyOf(storeOf(world))
  await world.start()
  const boots = bootsOf(world).length
  world.store = old
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
  expect(bootsOf(world), 'its own is in the log, and so the other one ends').toHaveLength(boots + 1)
})

test(
  'a KMS that dies in every start before it has read the log starts when it can',
  { timeout: 60_000 },
  async () => {
    const world = new World()
    await world.start()
    for (let n = 0; n < 20; n++) {
      breakAt(world, 'store', 1, 'not-persisted')
      await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STORE_FAILED' })
    }
    await world.start()
    expect(bootsOf(world)).toHaveLength(22)
  },
)

test('a store of the version before, which wrote no boot down, is taken as it is', async () => {
  const world = new World()
  await world.start()
  const old = copyOf(storeOf(world))
  await world.start()
  old.records.delete('state\0booting')
  world.store = old
  await world.start()
  expect(world.kms.readiness()).toEqual({ ready: false, code: 'KMS_NO_POLICY' })
})
