import type { ModelRemoval } from '@sotto/protocol/sealed-models'
import type { SottoError } from '@sotto/protocol/errors'
import { expect, test } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import type { ServedModel } from '../../../src/api/index.ts'
import type { TextEvent } from '../../../src/engines/types.ts'
import { releaseError } from '../../../src/release/index.ts'
import { ALICE, BOB, OwnedWorld } from './world.ts'

function removalOf(world: OwnedWorld, owner: typeof ALICE, version: number | 'all'): ModelRemoval {
  return {
    format: 'sotto-model-removal/1',
    genesis: world.reader.genesis,
    owner: owner.key,
    name: 'bear',
    version,
    createdAt: world.now,
  }
}

const signal = new AbortController().signal
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: SottoError) => error.code,
  )

/** An answer that is being read: until its end the model is in use. */
function reading(model: ServedModel | undefined): AsyncIterator<TextEvent> {
  return model!.generate!({ prompt: 'x' } as never, signal)[Symbol.asyncIterator]()
}

async function toTheEnd(answer: AsyncIterator<TextEvent>): Promise<number> {
  let events = 0
  while ((await answer.next()).done !== true) events++
  return events
}

async function started(by = ALICE, name = 'bear') {
  const world = new OwnedWorld()
  const models = world.open()
  const id = await world.publish(by, name)
  return { world, models, id, model: (await models.find(id))! }
}

test(
  claim(
    'owner.models',
    'an owner deletes a model in use: what runs ends well, nothing new begins, nobody else notices',
  ),
  async () => {
    const { world, models, id, model } = await started()
    const other = await world.publish(BOB, 'wolf')
    const answer = reading(model)
    await answer.next()
    models.removed(removalOf(world, ALICE, 'all'))
    world.statements.set(id, [])
    expect(await codeOf(models.find(id))).toBe('OWNED_MODEL_ENDED')
    expect(await codeOf(reading(model).next()), 'whoever was given it before').toBe('OWNED_MODEL_ENDED')
    expect(world.closed, 'not under the hands of who reads').toEqual([])
    expect(await toTheEnd(answer)).toBe(1)
    expect(world.closed).toEqual(['bear'])
    expect(await codeOf(models.find(other))).toBe('none')
  },
)

test('a removal that went another way is noticed within the minute that an answer of the registry is used', async () => {
  const { world, models, id, model } = await started()
  const answer = reading(model)
  await answer.next()
  world.statements.set(id, [])
  world.now += 59
  expect(await codeOf(models.find(id))).toBe('none')
  world.now += 2
  await models.tick()
  expect(await codeOf(models.find(id))).toBe('OWNED_MODEL_ENDED')
  await toTheEnd(answer)
  expect(world.closed).toEqual(['bear'])
})

test('a removal that somebody sends again ends nothing that was published since', async () => {
  const { world, models } = await started()
  const old = { ...removalOf(world, ALICE, 'all'), createdAt: world.now - 1 }
  models.removed(old)
  expect(world.closed).toEqual([])
  models.removed(removalOf(world, ALICE, 'all'))
  expect(world.closed).toHaveLength(1)
})

test('a removal of one version leaves the others', async () => {
  const { world, models, id } = await started()
  await world.publish(ALICE, 'bear', 2)
  await models.find(`${id}:2`)
  models.removed(removalOf(world, ALICE, 1))
  expect(world.closed).toHaveLength(1)
  models.removed(removalOf(world, BOB, 'all'))
  expect(world.closed).toHaveLength(1)
})

test('a model whose time is over is not served, whatever the registry says', async () => {
  const world = new OwnedWorld()
  const models = world.open()
  const id = await world.publish(ALICE, 'bear', 1, { statement: { expiresAt: world.now + 100 } })
  await models.find(id)
  world.now += 100
  expect(await codeOf(models.find(id))).toBe('OWNED_MODEL_ENDED')
  await models.tick()
  expect(world.closed).toEqual(['bear'])
})

test(
  claim('owner.models', 'a registry that hides a removal: the KMS, which destroyed the key, is asked again'),
  async () => {
    const { world, models, id } = await started()
    world.onRelease = () => {
      throw releaseError('RELEASE_DENIED', 'no', { found: 'KMS_NOT_ADMITTED' })
    }
    // Somebody uses it all the time, so that it is never idle.
    for (let minute = 0; minute < 29; minute++) {
      world.now += 60
      await models.find(id)
      await models.tick()
    }
    expect([world.released.length, world.closed]).toEqual([1, []])
    world.now += 61
    await models.tick()
    expect([world.released.length, world.closed]).toEqual([2, ['bear']])
    await expect(models.find(id)).rejects.toMatchObject({ code: 'OWNED_MODEL_REFUSED', action: 'stop' })
  },
)

test(
  claim('owner.models', 'a registry that answers nothing keeps no removed model alive: the KMS is asked'),
  async () => {
    const world = new OwnedWorld()
    // Never idle.
    const models = world.open({ pinned: [`${ALICE.tag}/bear`] })
    const id = await world.publish(ALICE, 'bear')
    await models.tick()
    world.onRelease = () => {
      throw releaseError('RELEASE_DENIED', 'no', { found: 'KMS_NOT_ADMITTED' })
    }
    world.isRegistryDown = true
    world.now += 1740
    await models.tick()
    expect([world.released.length, world.closed]).toEqual([1, []])
    world.now += 61
    await models.tick()
    expect([world.released.length, world.closed]).toEqual([2, ['bear']])
    expect(await codeOf(models.find(id))).not.toBe('none')
  },
)

test('a KMS that is silent for an hour: what it admitted before is served no longer', async () => {
  const { world, models, id } = await started()
  world.onRelease = () => {
    throw releaseError('RELEASE_KMS_UNREACHABLE', 'silent')
  }
  for (let minute = 0; minute < 59; minute++) {
    world.now += 60
    await models.find(id)
    await models.tick()
  }
  expect(world.closed).toEqual([])
  world.now += 121
  await models.tick()
  expect(world.closed).toEqual(['bear'])
})

test(
  claim(
    'owner.policy',
    'a KMS that refuses: the model is told by name and not tried again at once; others are served',
  ),
  async () => {
    const world = new OwnedWorld()
    const models = world.open()
    const [bear, wolf] = [await world.publish(ALICE, 'bear'), await world.publish(ALICE, 'wolf')]
    const [artifact] = world.keys.keys()
    world.onRelease = (asked) => {
      if (asked === artifact) throw releaseError('RELEASE_DENIED', 'no', { found: 'KMS_NOT_ADMITTED' })
    }
    const refusal = { code: 'OWNED_MODEL_REFUSED', found: 'KMS_NOT_ADMITTED' }
    await expect(models.find(bear)).rejects.toMatchObject(refusal)
    await expect(models.find(bear)).rejects.toMatchObject(refusal)
    expect(world.released).toHaveLength(1)
    expect(await codeOf(models.find(wolf))).toBe('none')
    world.onRelease = () => undefined
    world.now += 31
    expect(await codeOf(models.find(bear))).toBe('none')
  },
)

test('a registry that is away: those that are loaded are served, others can be asked for again', async () => {
  const { world, models, id } = await started()
  const other = await world.publish(BOB, 'wolf')
  world.isRegistryDown = true
  await expect(models.find(other)).rejects.toMatchObject({ code: 'OWNED_MODEL_UNREACHABLE', action: 'retry' })
  world.now += 50
  expect(await codeOf(models.find(id))).toBe('none')
  await models.tick()
  expect(world.closed).toEqual([])
  world.isRegistryDown = false
  expect(await codeOf(models.find(other))).toBe('none')
})

test('what is pinned is loaded ahead and stays; its newer version takes its place', async () => {
  const world = new OwnedWorld()
  const id = `${ALICE.tag}/bear`
  const failed: unknown[] = []
  const models = world.open({ pinned: [id], onFailed: (error) => failed.push(error) })
  await models.tick()
  expect(failed).toMatchObject([{ code: 'OWNED_MODEL_UNKNOWN' }])
  world.now += 3
  await world.publish(ALICE, 'bear')
  await models.tick()
  expect(world.started).toEqual(['bear'])
  world.now += 10_000
  await models.tick()
  expect(world.closed).toEqual([])
  await world.publish(ALICE, 'bear', 2)
  world.now += 61
  await models.tick()
  world.now += 601
  await models.tick()
  expect([world.started.length, world.closed.length]).toEqual([2, 1])
  expect((await models.find(id))!.id).toBe(`${id}:2`)
  expect(await models.describe(id)).toMatchObject({ id: `${id}:2`, pinned: true })
  expect(
    await models.describe(await world.publish(ALICE, 'wolf')),
    'and no other says it',
  ).not.toHaveProperty('pinned')
})

test('a version that was published through here is the one that whoever asks next gets', async () => {
  const { world, models, id } = await started()
  await world.publish(ALICE, 'bear', 2)
  expect((await models.find(id))!.id, 'as another enclave has it, for a minute').toBe(`${id}:1`)
  models.published({ owner: ALICE.key, name: 'bear' })
  expect((await models.find(id))!.id).toBe(`${id}:2`)
})
