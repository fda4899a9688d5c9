import { toBase64Url } from '@sotto/protocol/bytes'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { seed, signer, World } from '../world.ts'
import { ID, KEY, keyFor, remove, send } from './asking.ts'

const id = (n: number): string => n.toString(16).padStart(2, '0').repeat(16)
const release = toBase64Url(KEY)

test(
  claim(['owner.admitted', 'governance'], 'nobody’s keys are taken until members admit an owner'),
  async () => {
    const world = new World()
    await world.start()
    await world.acceptPolicy(world.proposal())
    expect(await send(world, world.artifactImport(ID, KEY))).toBe('KMS_OWNER_UNKNOWN')
    const draft = world.draft('owners', { owners: [world.owner()] })
    await world.kms.propose({ proposal: draft.proposal, releases: [] })
    await world.kms.vote(world.ballot(draft.id))
    expect(await send(world, world.artifactImport(ID, KEY)), 'one of two votes').toBe('KMS_OWNER_UNKNOWN')
    await world.kms.vote(world.ballot(draft.id, world.members[1]))
    expect(await send(world, world.artifactImport(ID, KEY))).toBe('none')
    expect((await world.call('/v1/proposals')).body).toMatchObject({ owners: [world.owner()] })
    await world.start()
    expect((await world.call('/v1/proposals')).body).toMatchObject({ owners: [world.owner()] })
  },
)

test('an owner who is admitted no more adds nothing, loses nothing, and can still remove', async () => {
  const world = await World.withOwner()
  await send(world, world.artifactImport(ID, KEY))
  await world.admitOwners([world.owner(signer(51))])
  expect(await send(world, world.artifactImport(ID, seed(43)))).toBe('KMS_OWNER_UNKNOWN')
  expect(await keyFor(world)).toBe(release)
  expect(await remove(world, world.artifactRemoval(id(7)), id(7)), 'nothing of this owner').toBe(
    'KMS_OWNER_UNKNOWN',
  )
  expect(await remove(world, world.artifactRemoval(ID))).toBe('none')
  expect(await keyFor(world)).toBe('KMS_NOT_ADMITTED')
})

test(
  claim('owner.admitted', 'an owner keeps no more keys than members allow, whatever others keep'),
  async () => {
    const world = await World.withOwner()
    await world.admitOwners([world.owner(signer(50), 2), world.owner(signer(51), 1)])
    for (const n of [1, 2]) expect(await send(world, world.artifactImport(id(n), KEY), id(n))).toBe('none')
    expect(await send(world, world.artifactImport(id(3), KEY), id(3))).toBe('KMS_OWNER_QUOTA')
    expect(await send(world, world.artifactImport(id(2), seed(9)), id(2)), 'no more than before').toBe('none')
    expect(await send(world, world.artifactImport(id(4), KEY, {}, signer(51)), id(4))).toBe('none')
    expect(await remove(world, world.artifactRemoval(id(1)), id(1))).toBe('none')
    expect(await send(world, world.artifactImport(id(3), KEY), id(3))).toBe('none')
  },
)

test('an owner brings at most sixteen policies of its own', async () => {
  const world = await World.withOwner()
  await world.admitOwners([world.owner(signer(50), 64)])
  const bring = (n: number, age: number): Promise<string> => {
    world.now += 1
    const own = world.ownerPolicy({ evidenceMaxAgeSeconds: age, createdAt: 1_800_000_000 })
    return send(world, world.artifactImport(id(n), KEY, own), id(n))
  }
  for (let n = 1; n <= 16; n++) expect(await bring(n, 600 + n)).toBe('none')
  expect(await bring(17, 617)).toBe('KMS_OWNER_QUOTA')
  expect(await bring(17, 616), 'one that is here already').toBe('none')
  expect(await bring(1, 617), 'in the place of another').toBe('none')
})

test('the list of owners holds together, and only members decide on it', async () => {
  const world = await World.withOwner()
  const twice = world.draft('owners', { owners: [world.owner(), { ...world.owner(), name: 'another' }] })
  const none = world.draft('owners', { owners: [{ ...world.owner(), artifacts: 0 }] })
  const many = world.draft('owners', {
    owners: Array.from({ length: 65 }, (_, n) => world.owner(signer(100 + n))),
  })
  for (const { proposal } of [twice, none, many])
    expect(await world.refusal('/v1/proposals', { proposal, releases: [] })).toBe('KMS_REQUEST_MALFORMED')
  const foreign = world.draft('owners', { owners: [] }, [signer(99)])
  expect(await world.refusal('/v1/proposals', { proposal: foreign.proposal, releases: [] })).toBe(
    'KMS_NOT_AUTHORIZED',
  )
})

test('a constitution may say how many decide on owners; else as many as decide on policies', async () => {
  const world = await World.withOwner()
  const open = async (): Promise<number> => {
    const draft = world.draft('owners', {
      owners: [world.owner(signer(60), 1 + (world.now % 100))],
    })
    await world.kms.propose({ proposal: draft.proposal, releases: [] })
    const { body } = await world.call(`/v1/proposals/${draft.id}`)
    return body['majority'] as number
  }
  expect(await open()).toBe(2)
  world.now += 1
  const { majorities } = world.inForce
  await world.decide(
    world.draft('constitution', world.constitution({ majorities: { ...majorities, owners: 3 } })),
  )
  expect(await open()).toBe(3)
})
