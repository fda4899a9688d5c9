import { CUSTODY_TYPES, openShare, openShareSet } from '@sotto/protocol/custody'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { deriveRoot } from '../../src/root/index.ts'
import { World } from '../world.ts'
import { acknowledgement, createCustodians, historyOf, newestSet, sharingOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'
import { refusingSteps, rotateRoot, SECRET } from './rotatable.ts'

test(
  claim(
    'T15',
    'members share the root secret anew: new custodians open it, and the old shares count no more',
  ),
  async () => {
    const custodians = createCustodians(3)
    const sharing = sharingOf(2, custodians)
    const world = new World()
    world.root = new PersistentRoot(SECRET, sharing).obtain()
    await world.start()
    const first = newestSet(world)
    await expect(world.kms.propose(world.proposal())).rejects.toMatchObject({
      code: 'KMS_WAITING_FOR_CUSTODIANS',
    })
    const strangers = createCustodians(3)
    await expect(world.kms.acknowledgeShare(acknowledgement(first, strangers[0]!))).rejects.toMatchObject({
      code: 'KMS_NOT_AUTHORIZED',
    })
    for (const custodian of custodians.slice(0, 2))
      await world.kms.acknowledgeShare(acknowledgement(first, custodian))
    await world.acceptPolicy(world.proposal())

    const successors = createCustodians(4, 'successor')
    await world.decide(world.draft('custodians', sharingOf(3, successors)))
    await world.kms.tick()
    const second = newestSet(world)
    expect(second).toMatchObject({ generation: 2, threshold: 3, rootKey: first.rootKey })
    expect(
      historyOf(world).shareSet!.document.generation,
      'until enough of the new ones can open theirs',
    ).toBe(1)
    for (const successor of successors.slice(1))
      await world.kms.acknowledgeShare(acknowledgement(second, successor))
    expect(historyOf(world).shareSet!.document.generation).toBe(2)
    const shares = successors
      .slice(0, 3)
      .map(({ keys }, n) => openShare(second, second.shares[n]!, keys.wrap))
    expect(openShareSet(second, shares)).toEqual(SECRET)
    const old = openShare(first, first.shares[0]!, custodians[0]!.keys.wrap)
    expect(() => openShareSet(second, [old, ...shares.slice(1)])).toThrow(
      expect.objectContaining({ code: 'SHARE_FOREIGN' }),
    )
    await expect(world.kms.acknowledgeShare(acknowledgement(first, custodians[2]!))).rejects.toMatchObject({
      code: 'KMS_NOT_AUTHORIZED',
    })
  },
)

test('with custodians a new root key waits until enough of them can open it', async () => {
  const custodians = createCustodians(2)
  const root = new PersistentRoot(SECRET, sharingOf(2, custodians))
  const world = new World()
  world.root = root.obtain()
  await world.start()
  for (const custodian of custodians)
    await world.kms.acknowledgeShare(acknowledgement(newestSet(world), custodian))
  await world.acceptPolicy(world.proposal())
  await rotateRoot(world)
  await world.kms.tick()
  expect(world.logged(CUSTODY_TYPES.rootSuccession), 'nobody could bring it back yet').toEqual([])
  expect(historyOf(world).shareSet!.document.generation).toBe(1)
  expect(await refusingSteps(world)).toEqual([])
  const next = newestSet(world)
  expect(next.generation).toBe(2)
  const { offered, newest } = historyOf(world)
  expect(
    [offered!.document, newest!.document.generation],
    'to be acknowledged, and to be given away',
  ).toEqual([next, 1])
  for (const custodian of custodians) await world.kms.acknowledgeShare(acknowledgement(next, custodian))
  await world.kms.tick()
  const history = historyOf(world)
  expect(history.rootKey).toBe(next.rootKey)
  expect(history.shareSet!.document).toEqual(next)
  const shares = custodians.map(({ keys }, n) => openShare(next, next.shares[n]!, keys.wrap))
  expect(deriveRoot(openShareSet(next, shares)).rootKey).toBe(history.rootKey)
  expect(await refusingSteps(world)).toEqual([])
})
