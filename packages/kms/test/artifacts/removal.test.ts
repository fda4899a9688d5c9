import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { admitRemoval } from '../../src/artifacts/index.ts'
import { MAX_REMOVED_PER_OWNER } from '../../src/artifacts/removed.ts'
import type { KmsState } from '../../src/state/index.ts'
import type { MemoryStore } from '../store/memory.ts'
import { Enclave, seed, signer, World } from '../world.ts'
import { ID, KEY, keyFor, remove, send } from './asking.ts'

const NAMES_NOBODY = 'cd'.repeat(16)
const OWNER = toBase64Url(signer(50).publicKey)

async function holding(): Promise<World> {
  const world = await World.withOwner()
  await world.admitOwners([world.owner(), world.owner(signer(51))])
  await send(world, world.artifactImport(ID, KEY))
  return world
}

test(
  claim(
    ['owner.removal', 'see.stores'],
    'a removed key is released to nobody, stored nowhere, and never comes back',
  ),
  async () => {
    const world = await holding()
    const withheld = world.artifactImport(ID, seed(43))
    const stored = (): string =>
      [...(world.store as MemoryStore).records.values()].map(({ value }) => fromUtf8(value)).join()
    expect(stored()).toContain(toBase64Url(KEY))
    expect(await remove(world, world.artifactRemoval(ID))).toBe('none')
    expect(stored()).not.toContain(toBase64Url(KEY))
    expect(await keyFor(world)).toBe('KMS_NOT_ADMITTED')
    expect(await send(world, withheld), 'signed before, delivered after').toBe('KMS_ARTIFACT_REMOVED')
    await world.start()
    expect(await send(world, withheld)).toBe('KMS_ARTIFACT_REMOVED')
    expect(await send(world, world.artifactImport(ID, KEY)), 'made after').toBe('KMS_ARTIFACT_REMOVED')
    expect(await remove(world, world.artifactRemoval(ID)), 'said again').toBe('none')
    expect(await keyFor(world)).toBe('KMS_NOT_ADMITTED')
  },
)

test('a removal that overtakes its import wins', async () => {
  const world = await World.withOwner()
  const late = world.artifactImport(ID, KEY)
  expect(await remove(world, world.artifactRemoval(ID))).toBe('none')
  expect(await send(world, late)).toBe('KMS_ARTIFACT_REMOVED')
})

test('what one owner removes is nothing to another', async () => {
  const world = await holding()
  expect(await remove(world, world.artifactRemoval(NAMES_NOBODY, {}, signer(51)), NAMES_NOBODY)).toBe('none')
  expect(await send(world, world.artifactImport(NAMES_NOBODY, KEY), NAMES_NOBODY)).toBe('none')
})

test.each<[string, (world: World) => Uint8Array, string]>([
  ['another admitted owner', (w) => w.artifactRemoval(ID, {}, signer(51)), 'KMS_ARTIFACT_OWNED'],
  [
    'the owner’s name under another signature',
    (w) => w.artifactRemoval(ID, { owner: OWNER }, signer(51)),
    'KMS_NOT_AUTHORIZED',
  ],
  ['another KMS', (w) => w.artifactRemoval(ID, { genesis: '00'.repeat(32) }), 'KMS_WRONG_GENESIS'],
  ['another artifact than the path', (w) => w.artifactRemoval(NAMES_NOBODY), 'KMS_REQUEST_MALFORMED'],
  ['an import in the place of a removal', (w) => w.artifactImport(ID, KEY), 'KMS_REQUEST_MALFORMED'],
  ['no envelope', () => new TextEncoder().encode('{}'), 'KMS_REQUEST_MALFORMED'],
  [
    'a removal that was signed as an import',
    (w) => {
      const document = { version: 1, genesis: w.genesis, artifact: ID, owner: OWNER, createdAt: w.now }
      return signDsse(PAYLOAD_TYPES.artifactKeyImport, encodeDocument(document), [signer(50)])
    },
    'KMS_NOT_AUTHORIZED',
  ],
])(claim('owner.removal', 'refuses a removal of %s, and the key stays'), async (_, make, code) => {
  const world = await holding()
  expect(await remove(world, make(world))).toBe(code)
  expect(await keyFor(world)).toBe(toBase64Url(KEY))
})

test('a release under way when its key is removed does not leave', async () => {
  const world = await holding()
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world, { artifacts: [ID] })
  // The release waits for the log to hold its receipt; the removal is durable before that.
  const released = world.kms.release(request).catch((error: unknown) => error)
  await world.kms.removeArtifact(ID, world.artifactRemoval(ID))
  expect(await released).toMatchObject({ code: 'KMS_NOT_READY', action: 'retry' })
  expect(await keyFor(world)).toBe('KMS_NOT_ADMITTED')
})

test('a removal that the log does not hold yet is in force, and is acknowledged once it does', async () => {
  const world = await holding()
  const from = world.log.appends
  world.log.appendFault = (call) => (call >= from ? 'not-persisted' : undefined)
  expect(await remove(world, world.artifactRemoval(ID))).toBe('LOG_UNREACHABLE')
  world.log.appendFault = () => undefined
  expect(await keyFor(world)).toBe('KMS_NOT_READY')
  expect(await remove(world, world.artifactRemoval(ID))).toBe('none')
  expect(await keyFor(world)).toBe('KMS_NOT_ADMITTED')
})

test('removals are bounded: what no import can undo makes room, the rest is never forgotten', async () => {
  const world = await holding()
  const { state, boot } = world.kms.view
  const full = (importKey: string): KmsState => ({
    ...state,
    removed: new Map([
      [OWNER, Array.from({ length: MAX_REMOVED_PER_OWNER }, (_, n) => ({ id: `old ${n}`, importKey }))],
    ]),
  })
  const { now } = world
  const importKey = boot.importer.name
  const removeFrom = (before: KmsState): KmsState =>
    admitRemoval(ID, world.artifactRemoval(ID), { state: before, importKey, now }).transition!(before)
  const own = removeFrom(full('an earlier one')).removed.get(OWNER)!
  expect(own).toHaveLength(MAX_REMOVED_PER_OWNER)
  expect(own[0]!.id).toBe('old 1')
  expect(own.at(-1)).toEqual({ id: ID, importKey: boot.importer.name })
  expect(() => removeFrom(full(boot.importer.name))).toThrowError(
    expect.objectContaining({ code: 'KMS_ARTIFACTS_FULL' }),
  )
  // It never comes so far: imports stop before, so that every key that is here can be removed.
  const almost = full(boot.importer.name)
  const context = { state: almost, softwareRoots: world.config.softwareRoots, now }
  expect(() => boot.importer.open(ID, world.artifactImport(ID, KEY), context)).toThrowError(
    expect.objectContaining({ code: 'KMS_ARTIFACTS_FULL' }),
  )
})
