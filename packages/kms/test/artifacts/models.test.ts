import { toBase64Url } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { signer, World } from '../world.ts'
import { KEY, modelRemoval, receiptFor, removeModel, send } from './asking.ts'

const id = (n: number): string => n.toString(16).padStart(2, '0').repeat(16)
const [V1, V2, V3, WOLF] = [id(1), id(2), id(3), id(4)]
const bear = (version: number) => ({ model: { name: 'bear', version } })
const NONE = { destroyed: [], shared: [], newer: [] }

/** Three versions of one model, and another model of the same owner. */
async function holding(): Promise<World> {
  const world = await World.withOwner()
  await world.admitOwners([world.owner(signer(50), 32), world.owner(signer(51))])
  for (const [n, artifact] of [V1, V2, V3].entries())
    expect(await send(world, world.artifactImport(artifact, KEY, bear(n + 1)), artifact)).toBe('none')
  await send(world, world.artifactImport(WOLF, KEY, { model: { name: 'wolf', version: 1 } }), WOLF)
  return world
}
const held = (world: World): string[] => [...world.kms.view.state.artifacts.keys()].toSorted()

test(
  claim('owner.removal', 'a removal names a model: the KMS finds its keys, destroys them, and signs which'),
  async () => {
    const world = await holding()
    const ofOne = modelRemoval(world, { version: 2 })
    expect(await receiptFor(world, ofOne)).toEqual({ ...NONE, destroyed: [V2] })
    expect(held(world)).toEqual([V1, V3, WOLF])
    const ofAll = modelRemoval(world)
    const receipt = await receiptFor(world, ofAll)
    expect({ ...receipt, destroyed: receipt.destroyed.toSorted() }).toEqual({
      ...NONE,
      destroyed: [V1, V2, V3],
    })
    expect(held(world)).toEqual([WOLF])
    await world.start()
    // What was said before is said again, also by who was not answered.
    expect((await receiptFor(world, ofAll)).destroyed.toSorted()).toEqual([V1, V2, V3])
    expect(await send(world, world.artifactImport(V1, KEY, bear(1)), V1)).toBe('KMS_ARTIFACT_REMOVED')
  },
)

test('a version that is the same sealed file as one that stays keeps its key, until that goes too', async () => {
  const world = await holding()
  await send(world, world.artifactImport(V1, KEY, bear(9)), V1)
  await send(world, world.artifactImport(V1, KEY, { model: { name: 'wolf', version: 2 } }), V1)
  const first = modelRemoval(world, { version: 1 })
  for (let n = 0; n < 2; n++) expect(await receiptFor(world, first)).toEqual({ ...NONE, shared: [V1] })
  await world.start()
  expect(await receiptFor(world, modelRemoval(world, { version: 9 }))).toEqual({ ...NONE, shared: [V1] })
  expect(await receiptFor(world, modelRemoval(world, { name: 'wolf' }))).toEqual({
    ...NONE,
    destroyed: [V1, WOLF],
  })
  expect(held(world)).toEqual([V2, V3])
})

test(
  claim('owner.removal', 'an import that was made before a removal and comes after it is refused'),
  async () => {
    const world = await holding()
    const late = world.artifactImport(id(8), KEY, bear(8))
    const lateShared = world.artifactImport(WOLF, KEY, bear(7))
    const removal = modelRemoval(world)
    expect(await removeModel(world, removal)).toBe('none')
    expect(await send(world, late, id(8)), 'an artifact the KMS had never seen').toBe('KMS_ARTIFACT_REMOVED')
    expect(await send(world, lateShared, WOLF), 'another name for one that stays').toBe(
      'KMS_ARTIFACT_REMOVED',
    )
    const other = world.artifactImport(id(9), KEY, { model: { name: 'wolf', version: 3 } })
    expect(await send(world, other, id(9)), 'of another model').toBe('none')
    expect(await send(world, world.artifactImport(id(8), KEY, bear(8)), id(8)), 'made after').toBe('none')
  },
)

test('a removal ends nothing that was imported after it was made, and says so', async () => {
  const world = await holding()
  const old = modelRemoval(world, { createdAt: world.now - 2 })
  const receipt = await receiptFor(world, old)
  // The imports were made in the order of the versions, one second apart, and then that of the other model.
  expect(receipt).toEqual({ destroyed: [V1, V2], shared: [], newer: [V3] })
  expect(held(world)).toEqual([V3, WOLF])
})

test('what one owner removes is nothing to another, and a stranger’s word changes and keeps nothing', async () => {
  const world = await holding()
  for (const stranger of [signer(51), signer(77)])
    expect(await receiptFor(world, modelRemoval(world, {}, stranger))).toEqual(NONE)
  expect(held(world)).toHaveLength(4)
  expect([...world.kms.view.state.removedModels.keys()]).toEqual([toBase64Url(signer(51).publicKey)])
})

test('an owner who is admitted no more can still remove what is here', async () => {
  const world = await holding()
  await world.admitOwners([])
  const { destroyed } = await receiptFor(world, modelRemoval(world))
  expect(destroyed.toSorted()).toEqual([V1, V2, V3])
})

test.each<[string, (world: World) => string, string]>([
  ['another KMS', (w) => modelRemoval(w, { genesis: '00'.repeat(32) }), 'KMS_WRONG_GENESIS'],
  [
    'another owner under this name',
    (w) => modelRemoval(w, { owner: toBase64Url(signer(50).publicKey) }, signer(51)),
    'KMS_NOT_AUTHORIZED',
  ],
  ['the future', (w) => modelRemoval(w, { createdAt: w.now + 11 }), 'KMS_STATEMENT_TIME'],
  ['no name', (w) => modelRemoval(w, { name: '' }), 'KMS_REQUEST_MALFORMED'],
  ['no envelope', () => '{}', 'KMS_REQUEST_MALFORMED'],
  ['more than an owner signs', () => 'x'.repeat(8193), 'HTTP_BODY_TOO_LARGE'],
])('a removal of %s does nothing', async (_, make, code) => {
  const world = await holding()
  expect(await removeModel(world, make(world))).toBe(code)
  expect(held(world)).toHaveLength(4)
})

test('sending an old removal again costs its owner nothing: removals are public', async () => {
  const world = await holding()
  const removal = modelRemoval(world)
  for (let n = 0; n < 70; n++) expect(await removeModel(world, removal)).toBe('none')
  expect(await send(world, world.artifactImport(id(8), KEY, bear(8)), id(8))).toBe('none')
})
