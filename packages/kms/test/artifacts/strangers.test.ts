import { utf8 } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { signer, World } from '../world.ts'
import { ID, KEY, modelRemoval, receiptFor, remove, removeModel, send } from './asking.ts'

const bear = (version: number) => ({ model: { name: 'bear', version } })
const NONE = { destroyed: [], shared: [], newer: [] }
const OTHER = 'cd'.repeat(16)

/** A KMS with one key, in which a change is under way until `goOn` is called. */
async function busy(): Promise<{ world: World; change: Promise<string>; goOn: () => void }> {
  const world = await World.withOwner()
  expect(await send(world, world.artifactImport(ID, KEY, bear(1)))).toBe('none')
  const { promise, resolve: goOn } = Promise.withResolvers<void>()
  const isAtDisk = Promise.withResolvers<void>()
  const { store } = world
  const commit = store.commit.bind(store)
  store.commit = async (...change) => {
    isAtDisk.resolve()
    await promise
    return commit(...change)
  }
  const change = send(world, world.artifactImport(OTHER, KEY, bear(2)), OTHER)
  await isAtDisk.promise
  return { world, change, goOn }
}

test('removals of whoever made a key take no place from owners and releases', async () => {
  const { world, change, goOn } = await busy()
  const removal = modelRemoval(world)
  const anonymous = Array.from({ length: 40 }, (_, n) =>
    removeModel(world, modelRemoval(world, {}, signer(100 + n))),
  )
  expect(await Promise.race(anonymous)).toBe('none')
  expect(new Set(await Promise.all(anonymous))).toEqual(new Set(['none']))
  expect(await receiptFor(world, modelRemoval(world, {}, signer(77)))).toEqual(NONE)
  const own = receiptFor(world, removal)
  goOn()
  expect(await change).toBe('none')
  expect((await own).destroyed.toSorted()).toEqual([ID, OTHER])
})

test('junk, and what others sign about keys, is refused before it has a place in the line', async () => {
  const { world, change, goOn } = await busy()
  const stranger = signer(77)
  expect(await removeModel(world, '{}')).toBe('KMS_REQUEST_MALFORMED')
  expect(await send(world, utf8('{}'))).toBe('KMS_REQUEST_MALFORMED')
  expect(await remove(world, utf8('{}'))).toBe('KMS_REQUEST_MALFORMED')
  expect(await send(world, world.artifactImport(ID, KEY, {}, stranger))).toBe('KMS_OWNER_UNKNOWN')
  expect(await remove(world, world.artifactRemoval(ID, {}, stranger))).toBe('KMS_ARTIFACT_OWNED')
  expect(await remove(world, world.artifactRemoval('12'.repeat(16), {}, stranger), '12'.repeat(16))).toBe(
    'KMS_OWNER_UNKNOWN',
  )
  goOn()
  expect(await change).toBe('none')
})

test('who is admitted no more, and had a key here, still hears which were destroyed', async () => {
  const { world, change, goOn } = await busy()
  goOn()
  expect(await change).toBe('none')
  const removal = modelRemoval(world)
  expect(await removeModel(world, removal)).toBe('none')
  await world.admitOwners([])
  expect((await receiptFor(world, removal)).destroyed.toSorted()).toEqual([ID, OTHER])
})

test('removals that say nothing use up what removals of models may cost, and nothing of imports', async () => {
  const world = await World.withOwner()
  const given = world.artifactImport(ID, KEY, bear(1))
  const codes = new Set<string>()
  for (let n = 0; n < 300; n++) codes.add(await removeModel(world, '{}'))
  expect([...codes]).toEqual(['KMS_REQUEST_MALFORMED', 'HTTP_TOO_MANY'])
  expect(await send(world, given)).toBe('none')
})
