import { expect, test } from 'vitest'
import { createClock, type WitnessedClock } from '@sotto/serve/clock'
import { claim } from '../../../../test/claims.ts'
import { createKeyRing, type KeyRing } from '../../src/gateway/index.ts'
import { createKeeper, type Keeper } from '../../src/release/keeper.ts'
import { createReleaseWorld, type ReleaseWorld } from './world.ts'

interface Host {
  /** Seconds by which the operator set the wall clock wrong. */
  wrongBy: number
  /** Seconds since the start, by the monotonic clock. */
  elapsed: number
}

/** An enclave whose host owns the wall clock, as `runInference` puts it together. Witnesses see the true time. */
async function open(): Promise<
  ReleaseWorld & { host: Host; clock: WitnessedClock; keys: KeyRing; keeper: Keeper }
> {
  const setup = await createReleaseWorld()
  const { world } = setup
  const host: Host = { wrongBy: 0, elapsed: 0 }
  const monotonicNow = (): number => host.elapsed * 1000
  const start = world.now
  const clock = createClock({
    wall: () => (start + host.elapsed + host.wrongBy) * 1000,
    monotonic: monotonicNow,
  })
  const keys = createKeyRing({ now: clock.now, monotonicNow })
  const context = { ...setup.context, now: clock.now, observe: clock.observe }
  return { ...setup, host, clock, keys, keeper: createKeeper({ ...context, keys, monotonicNow }) }
}

test(
  claim('T13', 'a host clock set back half a day before the start prolongs no key by a second'),
  async () => {
    const { host, keeper, keys, clock, world } = await open()
    host.wrongBy = -43_200
    await keeper.start()
    // The newest checkpoint is of 30 seconds ago, and the key ends an hour after now.
    expect([keeper.idleBecause(), clock.now()]).toEqual([undefined, world.now - 30])
    host.elapsed = 3630
    expect(keys.find(7)).toBeDefined()
    host.elapsed = 3631
    expect([keys.find(7), keys.configs, keeper.idleBecause()]).toEqual([undefined, undefined, 'NOT_ATTESTED'])
  },
)

test(claim('T13', 'a host clock set back while it runs prolongs nothing either'), async () => {
  const { host, keeper, keys, world } = await open()
  await keeper.start()
  host.elapsed = 3000
  host.wrongBy = -43_200
  world.now += 3000
  await keeper.tick()
  expect(keys.find(7)).toBeDefined()
  host.elapsed = 3601
  expect(keys.find(7)).toBeUndefined()
})

test(
  claim('T13', 'an hour without a fresh checkpoint by the monotonic clock, and nothing is served'),
  async () => {
    const { host, keeper, world, keys } = await open()
    world.policy.checkpointMaxAgeSeconds = 1800
    await keeper.start()
    host.wrongBy = -600
    host.elapsed = 1799
    expect(keeper.idleBecause()).toBeUndefined()
    host.elapsed = 1800
    expect([keeper.idleBecause(), keeper.identity(), keys.configs !== undefined]).toEqual([
      'WITNESSES_SILENT',
      undefined,
      true,
    ])
    // The log shows what it showed before: that breaks no silence.
    host.elapsed = 1801
    await expect(keeper.tick()).rejects.toMatchObject({ code: 'RELEASE_KMS_REFUSED' })
    expect(keeper.idleBecause()).toBe('WITNESSES_SILENT')
    world.now += 1800
    await keeper.tick()
    expect(keeper.idleBecause()).toBeUndefined()
  },
)
