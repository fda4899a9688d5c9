import { CUSTODY_TYPES, openShare, openShareSet } from '@sotto/protocol/custody'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { deriveRoot } from '../../src/root/index.ts'
import { MemoryStore } from '../store/memory.ts'
import { seed, World } from '../world.ts'
import { acknowledgement, createCustodians, historyOf, newestSet, sharingOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'

const SECRET = seed(91)

function copyOf(store: MemoryStore): MemoryStore {
  const copy = new MemoryStore()
  for (const [name, record] of store.records)
    copy.records.set(name, { ...record, value: record.value.slice() })
  return copy
}

test(
  claim(
    'T11',
    'a copy of the store from before a root key came into force is refused, with the old secret too',
  ),
  async () => {
    const world = new World()
    world.root = new PersistentRoot(SECRET).obtain()
    await world.start()
    await world.acceptPolicy(world.proposal())
    await world.decide(world.draft('rotate-root', { generation: 1 }))
    // Members have decided, and the next secret is not made yet: this copy would make one of its own.
    const old = copyOf(world.store as MemoryStore)
    await world.kms.tick()
    expect(historyOf(world).roots).toHaveLength(1)
    world.store = old
    world.root = new PersistentRoot(SECRET).obtain()
    await expect(world.start()).rejects.toMatchObject({
      code: 'KMS_STATE_ROLLED_BACK',
      expected: 'root succession 1',
    })
    expect(world.logged(CUSTODY_TYPES.rootSuccession)).toHaveLength(1)
  },
)

test(
  claim(
    'T11',
    'a copy from the middle of a root rotation is refused once the new key has certified anything',
  ),
  async () => {
    const world = new World()
    const root = new PersistentRoot(SECRET)
    world.root = root.obtain()
    await world.start()
    await world.acceptPolicy(world.proposal())
    await world.decide(world.draft('rotate-root', { generation: 1 }))
    world.log.isDown = true
    await expect(world.kms.tick()).rejects.toMatchObject({ action: 'retry' })
    const old = { store: copyOf(world.store as MemoryStore), kept: root.kept }
    expect(old.kept).toHaveLength(2)
    world.log.isDown = false
    await world.kms.tick()
    await world.kms.hold(world.hold())
    world.store = old.store
    root.kept = old.kept
    world.root = root.obtain()
    await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK' })
  },
)

test(
  claim('T15', 'members name other custodians while those of the next root secret do not answer'),
  async () => {
    const [first, successors] = [createCustodians(2), createCustodians(2, 'successor')]
    const world = new World()
    world.root = new PersistentRoot(SECRET, sharingOf(2, first)).obtain()
    await world.start()
    for (const custodian of first)
      await world.kms.acknowledgeShare(acknowledgement(newestSet(world), custodian))
    await world.decide(world.draft('rotate-root', { generation: 1 }))
    await world.kms.tick()
    const unanswered = newestSet(world)
    await world.kms.acknowledgeShare(acknowledgement(unanswered, first[0]!))
    await world.decide(world.draft('custodians', sharingOf(2, successors)))
    await world.kms.tick()
    const next = newestSet(world)
    expect(next).toMatchObject({ generation: 3, rootKey: unanswered.rootKey })
    expect(world.logged(CUSTODY_TYPES.rootSuccession)).toEqual([])
    for (const custodian of successors) await world.kms.acknowledgeShare(acknowledgement(next, custodian))
    await world.kms.tick()
    expect(historyOf(world).rootKey).toBe(next.rootKey)
    const shares = successors.map(({ keys }, n) => openShare(next, next.shares[n]!, keys.wrap))
    expect(deriveRoot(openShareSet(next, shares)).rootKey).toBe(next.rootKey)
  },
)
