import type { SottoError } from '@sotto/protocol/errors'
import { expect, test } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { ALICE, BOB, type Lies, OwnedWorld } from './world.ts'

const codeOf = (promise: Promise<unknown> | undefined): Promise<string> =>
  Promise.resolve(promise).then(
    () => 'none',
    (error: SottoError) => error.code,
  )

test('an owner’s model is loaded when somebody names it: once, however many ask', async () => {
  const world = new OwnedWorld()
  const models = world.open()
  const name = await world.publish(ALICE, 'bear')
  const found = await Promise.all(Array.from({ length: 8 }, () => models.find(name)))
  expect(new Set(found).size).toBe(1)
  expect(found[0]).toMatchObject({ id: `${name}:1`, task: 'embedding' })
  expect((await found[0]!.embed!({ inputs: ['x'] }, new AbortController().signal)).vectors).toHaveLength(1)
  expect([world.released.length, world.started]).toEqual([1, ['bear']])
  expect(await models.find('whisper-1'), 'no name of an owner’s').toBeUndefined()
  expect(await models.describe(name)).toMatchObject({ id: `${name}:1`, owner: ALICE.tag })
})

test('a name means the highest version, a name with a version exactly that one', async () => {
  const world = new OwnedWorld()
  const models = world.open()
  const name = await world.publish(ALICE, 'bear', 1)
  await world.publish(ALICE, 'bear', 2)
  expect((await models.find(name))!.id).toBe(`${name}:2`)
  expect((await models.find(`${name}:1`))!.id).toBe(`${name}:1`)
  expect(await codeOf(models.find(`${name}:3`))).toBe('OWNED_MODEL_ENDED')
  expect(await codeOf(models.find(`${BOB.tag}/bear`))).toBe('OWNED_MODEL_UNKNOWN')
})

const LYING: [string, Lies, string][] = [
  ['another owner signed', { signer: BOB }, 'MODEL_SIGNATURE'],
  ['it is for another deployment', { statement: { genesis: '00'.repeat(32) } }, 'MODEL_DEPLOYMENT'],
  ['it is another model', { statement: { name: 'wolf' } }, 'MODEL_SUBSTITUTED'],
  ['it is another owner’s', { statement: { owner: BOB.key }, signer: BOB }, 'MODEL_SUBSTITUTED'],
]

test.each(LYING)(
  claim('owner.models', 'what the registry does not prove is not loaded: %s'),
  async (_, lies, why) => {
    const world = new OwnedWorld()
    const models = world.open()
    const name = await world.publish(ALICE, 'bear', 1, lies)
    await expect(models.find(name)).rejects.toMatchObject({ code: 'OWNED_MODEL_UNKNOWN', found: why })
    expect([world.released, world.reads]).toEqual([[], 0])
  },
)

test.each<[string, (world: OwnedWorld, name: string) => void, string]>([
  ['the place of another entry', (w, n) => (w.statements.get(n)![0]!.index += 1), 'MERKLE_INCLUSION'],
  [
    'a checkpoint that witnesses did not sign',
    (w, n) => {
      w.log.cosigning = 1
      w.statements.get(n)![0]!.checkpoint = w.log.note()
    },
    'NOTE_QUORUM',
  ],
  [
    'a statement that is not logged',
    (w, n) => {
      const [shown] = w.statements.get(n)!
      shown!.envelope = shown!.envelope.replace('"payload"', ' "payload"')
    },
    'MODEL_DOCUMENT',
  ],
])(
  claim('owner.models', 'a statement counts only where the witnessed log has it: %s'),
  async (_, lie, why) => {
    const world = new OwnedWorld()
    const models = world.open()
    const name = await world.publish(ALICE, 'bear')
    await world.publish(ALICE, 'wolf')
    lie(world, name)
    await expect(models.find(name)).rejects.toMatchObject({ code: 'OWNED_MODEL_UNKNOWN', found: why })
  },
)

const file = (world: OwnedWorld): Uint8Array => [...world.files.values()][0]!

test.each<[string, Lies, (world: OwnedWorld) => void, string]>([
  ['a byte of the weights', {}, (w) => (file(w)[file(w).length - 20]! ^= 1), 'SEALED_TAMPERED'],
  ['a byte of the manifest', {}, (w) => (file(w)[150]! ^= 1), 'SEALED_TAMPERED'],
  [
    'the id of another artifact',
    { statement: { artifact: 'ee'.repeat(16) } },
    (w) => w.keys.set('ee'.repeat(16), [...w.keys.values()][0]!),
    'SEALED_TAMPERED',
  ],
  [
    'another digest than the statement’s',
    { statement: { model: 'ee'.repeat(32) } },
    () => undefined,
    'OWNED_MODEL_REFUSED',
  ],
  ['another task', { statement: { task: 'summarization' } }, () => undefined, 'OWNED_MODEL_REFUSED'],
  [
    'a manifest of other files',
    { manifest: { digest: 'ee'.repeat(32) } },
    () => undefined,
    'ENGINE_MODEL_INVALID',
  ],
  [
    'another SHA-256 than was signed',
    { statement: { digest: 'ee'.repeat(32) } },
    (w) => w.files.set('ee'.repeat(32), file(w)),
    'OWNED_MODEL_REFUSED',
  ],
  ['the key of another artifact', {}, (w) => w.keys.forEach((key) => (key[0]! ^= 1)), 'SEALED_KEY'],
])(
  claim(['owner.models', 'see.gateway'], 'a sealed file with %s is refused, and the engine gets no request'),
  async (_, lies, change, code) => {
    const world = new OwnedWorld()
    const models = world.open()
    const name = await world.publish(ALICE, 'bear', 1, lies)
    const other = await world.publish(BOB, 'wolf')
    change(world)
    expect(await codeOf(models.find(name))).toBe(code)
    expect(world.started).toEqual([])
    if (code !== 'SEALED_KEY') expect(await codeOf(models.find(other)), 'nobody else notices').toBe('none')
  },
)
