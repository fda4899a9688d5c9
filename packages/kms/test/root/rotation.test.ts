import { equalBytes } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES, type RootSuccession } from '@sotto/protocol/custody'
import { expect, test } from 'vitest'
import { deriveRoot } from '../../src/root/index.ts'
import type { MemoryStore } from '../store/memory.ts'
import { Enclave } from '../world.ts'
import { historyOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'
import { refusingSteps, rotatable, rotateRoot, SECRET } from './rotatable.ts'

test('members replace the root key: clients follow, and keys stay the same', async () => {
  const root = new PersistentRoot(SECRET)
  const world = await rotatable(root)
  const keys = world.keySet.keys
  const [enclave, inFlight] = [new Enclave(world.workload), new Enclave(world.workload)]
  const request = await inFlight.request(world)
  await rotateRoot(world)
  const [response] = await Promise.all([world.kms.release(request), world.kms.tick()])
  expect(inFlight.open(request, response, world.genesis).keys).toHaveLength(2)

  const [succession] = world.logged<RootSuccession>(CUSTODY_TYPES.rootSuccession)
  expect(succession!.document).toMatchObject({ sequence: 1, previousKey: deriveRoot(SECRET).rootKey })
  expect(historyOf(world).rootKey).toBe(succession!.document.rootKey)
  expect(world.keySet.keys).toEqual(keys)
  expect(await refusingSteps(world)).toEqual([])
  const later = await enclave.request(world)
  expect(enclave.open(later, await world.kms.release(later), world.genesis).keys).toHaveLength(2)

  expect(root.kept).toHaveLength(1)
  expect(equalBytes(root.kept[0]!, SECRET)).toBe(false)
  world.root = root.obtain()
  await world.start()
  expect(world.kms.readiness()).toEqual({ ready: true })
  expect(await refusingSteps(world)).toEqual([])
  await rotateRoot(world, 2)
  await world.kms.tick()
  expect(world.logged(CUSTODY_TYPES.rootSuccession)).toHaveLength(2)
  expect(await refusingSteps(world)).toEqual([])
})

test('a bundle that leaves successions out, changes or reorders them is refused', async () => {
  const world = await rotatable()
  await rotateRoot(world)
  await world.kms.tick()
  await rotateRoot(world, 2)
  await world.kms.tick()
  const certificate = ['kms.certificate']
  expect(await refusingSteps(world, (state) => ({ ...state, roots: [] }))).toEqual(certificate)
  expect(await refusingSteps(world, (state) => ({ ...state, roots: state.roots!.slice(0, 1) }))).toEqual(
    certificate,
  )
  expect(await refusingSteps(world, (state) => ({ ...state, roots: state.roots!.slice(1) }))).toEqual(
    certificate,
  )
  expect(await refusingSteps(world, (state) => ({ ...state, roots: state.roots!.toReversed() }))).toEqual(
    certificate,
  )
})

test('the old root secret opens nothing any more', async () => {
  const root = new PersistentRoot(SECRET)
  const world = await rotatable(root)
  await rotateRoot(world)
  await world.kms.tick()
  const [next] = root.kept
  expect((world.store as MemoryStore).sealingKey).toEqual(deriveRoot(next!).sealingKey())
  world.root = new PersistentRoot(SECRET).obtain()
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_ROOT_MISMATCH', action: 'stop' })
})

test('a generation is replaced once, and only the one in force', async () => {
  const world = await rotatable()
  await expect(rotateRoot(world, 2)).rejects.toMatchObject({ code: 'KMS_PROPOSAL_OVERTAKEN' })
  const [one, two] = [
    world.draft('rotate-root', { generation: 1 }),
    world.draft('rotate-root', { generation: 1 }, world.members.slice(1), { createdAt: world.now - 1 }),
  ]
  await world.kms.propose({ proposal: two.proposal, releases: [] })
  await world.decide(one)
  await world.kms.tick()
  await expect(world.kms.vote(world.ballot(two.id, world.members[1]))).rejects.toMatchObject({
    code: 'KMS_PROPOSAL_CLOSED',
  })
  expect(world.logged(CUSTODY_TYPES.rootSuccession)).toHaveLength(1)
})
