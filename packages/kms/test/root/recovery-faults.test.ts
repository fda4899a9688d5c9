import { type RecoveryReceipt, CUSTODY_TYPES } from '@sotto/protocol/custody'
import type { Decision, GovernanceRecord } from '@sotto/protocol/governance'
import { type KeySet, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { kmsError } from '../../src/errors.ts'
import type { Recovered } from '../../src/root/index.ts'
import { type Fault, MemoryStore } from '../store/memory.ts'
import { Enclave, seed, World } from '../world.ts'
import { acknowledgement, createCustodians, historyOf, newestSet, sharingOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'

const custodians = createCustodians(2)
const isSlow = process.env['SLOW'] === '1'
type Place = 'store' | 'log'

/** A KMS with custodians that has lived, and was killed. */
async function killed(): Promise<World> {
  const world = new World()
  world.root = new PersistentRoot(seed(55), sharingOf(2, custodians)).obtain()
  await world.start()
  for (const custodian of custodians)
    await world.kms.acknowledgeShare(acknowledgement(newestSet(world), custodian))
  await world.acceptPolicy(world.proposal())
  await world.rotate()
  return world
}

/** What custodians bring back: the secret, in the memory of the process that asked for it. */
function broughtBack(world: World, history: ReturnType<typeof historyOf>, forgetStore: boolean): void {
  const recovered: Recovered = { history, nonce: 'a nonce', generation: 1, indexes: [1, 2], forgetStore }
  world.root = new PersistentRoot(seed(55), sharingOf(2, custodians)).obtain()
  world.root.obtained = { ...world.root.obtained, recovered }
}

/** A recovery with one fault in it, tried again by another process, or by this one, until the KMS serves. */
async function recovery(
  forgetStore: boolean,
  isSameProcess: boolean,
  faultAt: (place: Place, count: number) => Fault | undefined,
): Promise<{ faults: number; counts: Record<Place, number> }> {
  const world = await killed()
  const { digest } = world.kms.view.state.identity!
  const { policy } = world.kms.view.state
  const decided = world.logged<Decision>(PAYLOAD_TYPES.decision).length
  const records = world.logged<GovernanceRecord>(PAYLOAD_TYPES.governance).length
  const store = forgetStore ? new MemoryStore() : (world.store as MemoryStore)
  world.store = store
  const before = { store: store.commits, log: world.log.appends }
  let faults = 0
  const noting = (fault: Fault | undefined): Fault | undefined => {
    if (fault !== undefined) faults++
    return fault
  }
  store.error = () => kmsError('KMS_STORE_FAILED', 'injected')
  store.fault = (count) => noting(faultAt('store', count - before.store))
  world.log.appendFault = (count) => noting(faultAt('log', count - before.log))

  const history = historyOf(world)
  broughtBack(world, history, forgetStore)
  let parts = world.parts()
  for (let attempt = 0; ; attempt++) {
    try {
      await world.start(parts)
      break
    } catch (error) {
      expect(attempt, 'it never starts').toBeLessThan(4)
      expect(error).toMatchObject({ action: 'retry' })
      if (isSameProcess) continue
      // Its memory is gone: custodians are asked again, and read the log as it is now.
      broughtBack(world, historyOf(world), forgetStore)
      parts = world.parts()
    }
  }
  for (let attempt = 0; ; attempt++) {
    try {
      await world.kms.tick()
      break
    } catch (error) {
      expect(attempt, 'it never goes on').toBeLessThan(4)
      expect(error).toMatchObject({ action: 'retry' })
    }
  }

  const counts = { store: store.commits - before.store, log: world.log.appends - before.log }
  expect(world.kms.readiness()).toEqual({ ready: true })
  expect(world.kms.view.state.identity!.digest).toBe(digest)
  expect(world.kms.view.state.policy).toBe(policy)
  // Nothing that members decided is lost, or decided twice.
  expect(world.logged<Decision>(PAYLOAD_TYPES.decision)).toHaveLength(decided)
  expect(world.logged<GovernanceRecord>(PAYLOAD_TYPES.governance)).toHaveLength(records)
  // One set for each epoch, none missing.
  const epochs = world.logged<KeySet>(PAYLOAD_TYPES.keySet).map(({ document }) => document.epoch)
  expect(epochs).toEqual(epochs.map((_, n) => n + 1))
  // That custodians did it is in the log before the keys that it serves.
  const receipts = world.logged<RecoveryReceipt>(CUSTODY_TYPES.recoveryReceipt)
  expect(receipts.length).toBeGreaterThan(0)
  expect(receipts.at(-1)!.document).toMatchObject({ indexes: [1, 2], forgotStore: forgetStore })
  expect(receipts.at(-1)!.index).toBeLessThan(world.logged(PAYLOAD_TYPES.keySet).at(-1)!.index)
  await world.kms.release(await new Enclave(world.workload).request(world))
  return { faults, counts }
}

test.each([
  ['its store', false],
  ['a store that custodians gave up', true],
])(
  claim(
    ['T11', 'T15'],
    'a recovery over %s, killed or refused at any write or entry, ends in the same KMS with nothing lost or twice',
  ),
  { timeout: 240_000 },
  async (_what, forgetStore) => {
    const undisturbed = await recovery(forgetStore, false, () => undefined)
    expect(undisturbed.faults).toBe(0)
    const places = (['store', 'log'] as const).flatMap((place) =>
      Array.from({ length: undisturbed.counts[place] }, (_, at) => [place, at] as const),
    )
    expect(places.length).toBeGreaterThan(4)
    for (const [n, [place, at]] of places.entries())
      for (const fault of ['not-persisted', 'reported-failed'] as const)
        for (const isSameProcess of isSlow ? [true, false] : [n % 2 === 0]) {
          const ended = await recovery(forgetStore, isSameProcess, (where, count) =>
            where === place && count === at ? fault : undefined,
          )
          expect(ended.faults, `${place} ${at} ${fault}`).toBe(1)
        }
  },
)
