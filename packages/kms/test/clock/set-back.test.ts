import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { createClock } from '../../src/clock/index.ts'
import type { KmsParts } from '../../src/core/index.ts'
import { Enclave, World } from '../world.ts'

const DAY = 86_400

/** What a process on a host is put together from whose wall clock is behind. */
function setBack(world: World, days = 10): KmsParts {
  const monotonic = (): number => world.now * 1000
  return { ...world.parts(), clock: createClock({ wall: () => (world.now - days * DAY) * 1000, monotonic }) }
}

test(
  claim(['T4', 'T13'], 'a KMS started with its clock set back dates nothing back and prolongs no key'),
  async () => {
    const world = await World.ready()
    world.now += 3600
    await world.rotate()
    const before = new Map(world.keySet.keys.map(({ config, notAfter }) => [config, notAfter]))
    world.now += 3600
    await world.start(setBack(world))
    expect(world.kms.readiness()).toEqual({ ready: true })
    expect(world.keySet.issuedAt).toBeGreaterThanOrEqual(world.now - 60)
    for (const { config, notBefore, notAfter } of world.keySet.keys) {
      expect(notAfter - notBefore).toBeLessThanOrEqual(DAY)
      expect(notAfter).toBeGreaterThan(world.now)
      expect(before.get(config) ?? notAfter).toBe(notAfter)
    }
    await world.kms.release(await new Enclave(world.workload).request(world))
    expect(world.receipts.at(-1)!.issuedAt).toBeGreaterThanOrEqual(world.now - 60)

    // What ended stays ended, while the host says that it is not yet.
    const held = world.keySet.keys.map(({ config }) => config)
    world.now += 2 * DAY
    await world.kms.tick()
    expect(world.keySet.keys.filter(({ config }) => held.includes(config))).toEqual([])
    expect(world.keySet.issuedAt).toBeGreaterThanOrEqual(world.now - 60)
  },
)

test(
  claim(
    ['T13', 'governance'],
    'a proposal that ended is over, though the host says that there is time to vote',
  ),
  async () => {
    const world = await World.ready()
    const epoch = world.keySet.epoch
    const { proposal, id } = world.draft('rotate', { epoch }, undefined, { expiresAt: world.now + DAY })
    const ballot = world.ballot(id, undefined, 'accept', { castAt: world.now + DAY / 2 })
    world.now += 2 * DAY
    await world.start(setBack(world, 1.5))
    await expect(world.kms.propose({ proposal, releases: [] })).rejects.toMatchObject({
      code: 'KMS_STATEMENT_TIME',
    })
    await expect(world.kms.vote(ballot)).rejects.toMatchObject({ code: 'KMS_PROPOSAL_UNKNOWN' })
  },
)
