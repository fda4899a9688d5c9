import { PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { STATE_ANCHOR_TYPE, type StateAnchor } from '@sotto/protocol/state-anchor'
import { kmsError } from '../src/errors.ts'
import { type Fault, MemoryStore } from './store/memory.ts'
import { Enclave, seed, World } from './world.ts'

const ARTIFACT = 'ab'.repeat(16)

function copyOf(store: MemoryStore): MemoryStore {
  const copy = new MemoryStore()
  for (const [name, record] of store.records)
    copy.records.set(name, { ...record, value: record.value.slice() })
  return copy
}

const storeOf = (world: World): MemoryStore => world.store as MemoryStore
const anchorsOf = (world: World): StateAnchor[] =>
  world.logged<StateAnchor>(STATE_ANCHOR_TYPE).map(({ document }) => document)
const importKey = (world: World, id = ARTIFACT, byte = 42) =>
  world.kms.importArtifact(id, world.artifactImport(id, seed(byte)))

test(
  claim('T11', 'an old copy is refused although no key set came after it: an import did, and is in the log'),
  async () => {
    const world = await World.withOwner()
    const old = copyOf(storeOf(world))
    const sets = world.logged(PAYLOAD_TYPES.keySet).length
    const before = anchorsOf(world).length
    await importKey(world)
    expect(world.logged(PAYLOAD_TYPES.keySet)).toHaveLength(sets)
    expect(anchorsOf(world)).toHaveLength(before + 1)
    world.store = old
    await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
  },
)

test('an anchor says neither what was imported nor that it was imported before', async () => {
  const world = await World.withOwner()
  await importKey(world)
  await importKey(world, ARTIFACT, 43)
  await importKey(world, ARTIFACT, 44)
  const digests = anchorsOf(world).map(({ digest }) => digest)
  expect(new Set(digests).size).toBe(digests.length)
  expect(anchorsOf(world).map(({ sequence }) => sequence)).toEqual(digests.map((_, n) => n + 1))
})

test('what changes nothing logs nothing', async () => {
  const world = await World.withOwner()
  await importKey(world)
  const before = anchorsOf(world).length
  await world.kms.tick()
  await world.start()
  await world.start()
  expect(anchorsOf(world)).toHaveLength(before)
})

test('while the log is away an import is stored, but neither acknowledged nor released', async () => {
  const world = await World.withOwner()
  const body = world.artifactImport(ARTIFACT, seed(42))
  const from = world.log.appends
  world.log.appendFault = (call) => (call >= from ? 'not-persisted' : undefined)
  await expect(world.kms.importArtifact(ARTIFACT, body)).rejects.toMatchObject({
    code: 'LOG_UNREACHABLE',
    action: 'retry',
  })
  world.log.appendFault = () => undefined
  expect(world.kms.view.state.artifacts.size).toBe(0)
  await world.kms.importArtifact(ARTIFACT, body)
  expect(world.kms.view.state.artifacts.size).toBe(1)
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world, { artifacts: [ARTIFACT] })
  const released = enclave.open(request, await world.kms.release(request), world.genesis)
  expect(released.artifacts).toHaveLength(1)
})

/** Where a life ends: in the store's commit of the import, in the log's append of its anchor, or after both. */
const ENDS: [name: string, store: Fault | undefined, log: Fault | undefined, isKept: boolean][] = [
  ['before the commit', 'not-persisted', undefined, false],
  ['after the commit, before the anchor', undefined, 'not-persisted', true],
  ['at a commit that happened and was reported failed', 'reported-failed', undefined, true],
  ['after the anchor, which was reported failed', undefined, 'reported-failed', true],
]

test.each(ENDS)('killed %s, it starts again without a false alarm', async (_, commit, append, isKept) => {
  const world = await World.withOwner()
  const before = copyOf(storeOf(world))
  const [commits, appends] = [storeOf(world).commits, world.log.appends]
  storeOf(world).error = () => kmsError('KMS_STORE_FAILED', 'injected')
  storeOf(world).fault = (n) => (n === commits ? commit : undefined)
  world.log.appendFault = (n) => (n === appends ? append : undefined)
  await expect(importKey(world)).rejects.toMatchObject({ action: 'retry' })
  await world.start()
  expect(world.kms.view.state.artifacts.has(ARTIFACT)).toBe(isKept)
  // Started again, everything that was kept is in the log: an old copy is refused from here on.
  await world.start()
  world.store = before
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK' })
})

test('killed after the anchor was logged and before the store knew where, it starts again', async () => {
  const world = await World.withOwner()
  const commits = storeOf(world).commits
  storeOf(world).error = () => kmsError('KMS_STORE_FAILED', 'injected')
  storeOf(world).fault = (n) => (n > commits ? 'not-persisted' : undefined)
  await expect(importKey(world)).rejects.toMatchObject({ code: 'KMS_STORE_FAILED' })
  storeOf(world).fault = () => undefined
  await world.start()
  const anchors = anchorsOf(world)
  expect(anchors.at(-1)).toEqual(anchors.at(-2))
  await world.start()
  expect(anchorsOf(world)).toHaveLength(anchors.length)
})

test(claim('T11', 'of two copies that run at once, only the later may acknowledge an import'), async () => {
  const world = await World.withOwner()
  const first = world.kms
  world.store = copyOf(storeOf(world))
  await world.start()
  const second = world.kms
  world.kms = first
  await expect(importKey(world)).rejects.toMatchObject({
    code: expect.stringMatching(/KMS_FENCED|KMS_STATE_ROLLED_BACK/) as string,
    action: 'stop',
  })
  expect(() => first.view).toThrowError(expect.objectContaining({ action: 'stop' }))
  // The copy that goes on meets the other's anchor: one of two histories is missing, so it stops as well.
  world.kms = second
  await expect(importKey(world)).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK' })
})

test('a stranger cannot put anchors into the log that count', async () => {
  const world = await World.withOwner()
  await importKey(world)
  const other = await World.ready({ name: 'other' })
  await other.admitOwners()
  for (let n = 0; n < 3; n++) await importKey(other, ARTIFACT, n)
  for (const entry of other.log.entries) world.log.entries.push(entry)
  await world.start()
  expect(world.kms.readiness()).toEqual({ ready: true })
})
