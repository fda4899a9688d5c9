import { toHex } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES } from '@sotto/protocol/custody'
import { type KmsCertificate, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { kmsError } from '../../src/errors.ts'
import { deriveRoot } from '../../src/root/index.ts'
import type { Fault, MemoryStore } from '../store/memory.ts'
import { historyOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'
import { refusingSteps, rotatable, SECRET } from './rotatable.ts'

test(
  'killed or refused at any step, a start finds the old or the new generation and ends in the new one',
  { timeout: 240_000 },
  async () => {
    const undisturbed = await life(() => undefined)
    expect(undisturbed.faults).toBe(0)
    const { commits, appends, writes } = undisturbed.counts
    expect([commits, appends, writes].every((count) => count >= 2)).toBe(true)
    const places = [
      ...Array.from({ length: commits }, (_, n) => ['store', n] as const),
      ...Array.from({ length: appends }, (_, n) => ['log', n] as const),
      ...Array.from({ length: writes }, (_, n) => ['source', n] as const),
    ]
    for (const [n, [where, at]] of places.entries()) {
      // Both faults at each place, in turn with and without a new process, unless SLOW=1 asks for all; a write that
      // happened unnoticed always in both ways: the process that goes on has to find out by itself.
      for (const fault of ['not-persisted', 'reported-failed'] as const)
        for (const reboots of isSlow || (where === 'store' && fault === 'reported-failed')
          ? [true, false]
          : [n % 2 === 0]) {
          const ended = await life(
            (place, count) => (place === where && count === at ? fault : undefined),
            reboots,
          )
          expect(ended.faults, `${where} ${at} ${fault}`).toBe(1)
        }
    }
  },
)

const isSlow = process.env['SLOW'] === '1'
type Place = 'store' | 'log' | 'source'

/** A rotation with one fault in it, tried again until it is done. */
async function life(
  faultAt: (place: Place, count: number) => Fault | undefined,
  reboots = false,
): Promise<{ faults: number; counts: { commits: number; appends: number; writes: number } }> {
  const root = new PersistentRoot(SECRET)
  const world = await rotatable(root)
  const store = world.store as MemoryStore
  const before = { commits: store.commits, appends: world.log.appends, writes: root.writes }
  let faults = 0
  const noting = (fault: Fault | undefined): Fault | undefined => {
    if (fault !== undefined) faults++
    return fault
  }
  store.error = root.error = () => kmsError('KMS_STORE_FAILED', 'injected')
  store.fault = (count) => noting(faultAt('store', count - before.commits))
  world.log.appendFault = (count) => noting(faultAt('log', count - before.appends))
  root.fault = (count) => noting(faultAt('source', count - before.writes))
  const draft = world.draft('rotate-root', { generation: 1 })
  let isDecided = false
  for (let attempt = 0; world.logged(CUSTODY_TYPES.rootSuccession).length === 0 || !isSettled(); attempt++) {
    if (attempt > 5) throw new Error('the rotation never ends')
    try {
      if (!isDecided) await world.decide(draft)
      isDecided = true
      await world.kms.tick()
    } catch (error) {
      if ((error as { action?: string }).action !== 'retry') throw error
      requireOneGeneration()
      if (reboots) await reboot()
    }
  }
  expect(world.logged<KmsCertificate>(PAYLOAD_TYPES.kmsCertificate).length).toBeGreaterThan(1)
  expect(historyOf(world).roots).toHaveLength(1)
  expect(await refusingSteps(world)).toEqual([])
  const counts = {
    commits: store.commits - before.commits,
    appends: world.log.appends - before.appends,
    writes: root.writes - before.writes,
  }
  return { faults, counts }

  function isSettled(): boolean {
    const { state } = world.kms.view
    return state.rotation === undefined && root.kept.length === 1 && state.roots?.length === 1
  }

  /** What seals the store is always within reach of a start. */
  function requireOneGeneration(): void {
    const sealed = toHex(store.sealingKey ?? deriveRoot(SECRET).sealingKey())
    expect(root.kept.map((secret) => toHex(deriveRoot(secret).sealingKey()))).toContain(sealed)
  }

  async function reboot(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      world.root = root.obtain()
      try {
        return void (await world.start())
      } catch (error) {
        if (attempt > 5 || (error as { action?: string }).action !== 'retry') throw error
      }
    }
  }
}
