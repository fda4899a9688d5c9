import { type GovernanceRecord } from '@sotto/protocol/governance'
import { documentDigest, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { kmsError } from '../../src/errors.ts'
import { MemoryStore } from '../store/memory.ts'
import { Enclave, World } from '../world.ts'

const releases = async (world: World): Promise<string> =>
  world.refusal('/v1/release', await new Enclave(world.workload).request(world))

const holdOf = (world: World): string => world.kms.view.state.governance.holds[0]!.id

test(
  claim('governance', 'any one member stops the release of keys at once; it takes the majority to go on'),
  async () => {
    const world = await World.ready()
    expect(await releases(world)).toBe('none')
    expect(await world.refusal('/v1/holds', { hold: world.hold(world.members[2]) })).toBe('none')
    expect(await releases(world)).toBe('KMS_HELD')
    expect(await world.call('/readyz')).toMatchObject({ status: 503, body: { code: 'KMS_HELD' } })
    expect(await world.refusal('/v1/keys'), 'what was published stays').toBe('none')
    const resume = world.draft('resume', { hold: holdOf(world) })
    await world.decide({ ...resume, voters: world.members.slice(0, 1) })
    expect(await releases(world)).toBe('KMS_HELD')
    await world.kms.vote(world.ballot(resume.id, world.members[1]))
    expect(await releases(world)).toBe('none')
    const types = world
      .logged<GovernanceRecord>(PAYLOAD_TYPES.governance)
      .map(({ document }) => document.entry.type)
    expect(types.slice(3)).toEqual(['hold', 'proposal', 'ballot', 'ballot'])
  },
)

test(claim('governance', 'a hold survives restarts, and rotations go on under it'), async () => {
  const world = await World.ready()
  await world.kms.hold(world.hold())
  await world.start()
  expect(await releases(world)).toBe('KMS_HELD')
  const { epoch } = world.keySet
  world.now += 20 * 3600
  await world.kms.tick()
  expect(world.keySet.epoch).toBeGreaterThan(epoch)
  expect(await releases(world)).toBe('KMS_HELD')
})

test('it is in force while the log is away, and the log hears of it later', async () => {
  const world = await World.ready()
  world.log.isDown = true
  expect(await world.refusal('/v1/holds', { hold: world.hold() })).toBe('none')
  expect(world.kms.readiness()).toEqual({ ready: false, code: 'KMS_HELD' })
  expect(world.kms.view.state.governance.holds[0]!.index).toBeUndefined()
  world.log.isDown = false
  expect(await releases(world)).toBe('KMS_HELD')
  await world.kms.tick()
  const { index } = world.kms.view.state.governance.holds[0]!
  expect(world.logged(PAYLOAD_TYPES.governance).at(-1)!.index).toBe(index)
})

test('it is in force although the store fails, and durable once that works again', async () => {
  const world = new World()
  const store = new MemoryStore()
  store.error = () => kmsError('KMS_STORE_FAILED', 'injected')
  world.store = store
  await world.start()
  await world.acceptPolicy(world.proposal())
  store.fault = () => 'not-persisted'
  expect(await world.refusal('/v1/holds', { hold: world.hold() })).toBe('KMS_STORE_FAILED')
  store.fault = () => undefined
  expect(await releases(world)).toBe('KMS_HELD')
  await world.kms.tick()
  await world.start()
  expect(await releases(world)).toBe('KMS_HELD')
})

test('it does not wait in line behind a change, nor let one through that has begun', async () => {
  const world = await World.ready()
  const log = world.log as unknown as { append(...args: unknown[]): Promise<Response> }
  const append = log.append.bind(log)
  const gate = Promise.withResolvers<void>()
  Object.defineProperty(world.log, 'append', {
    configurable: true,
    value: async (...args: unknown[]) => {
      await gate.promise
      return append(...args)
    },
  })
  const enclave = new Enclave(world.workload)
  const underWay = world.kms.release(await enclave.request(world))
  const refused = expect(underWay).rejects.toMatchObject({ code: 'KMS_HELD' })
  const held = world.kms.hold(world.hold())
  expect(world.kms.readiness()).toEqual({ ready: false, code: 'KMS_HELD' })
  await expect(world.kms.release(await new Enclave(world.workload).request(world))).rejects.toMatchObject({
    code: 'KMS_HELD',
  })
  gate.resolve()
  await refused
  await held
})

test('a copy of a hold that ended is refused: nobody but the member holds again', async () => {
  const world = await World.ready()
  const old = world.hold()
  await world.kms.hold(old)
  expect((await world.kms.hold(old)).holds, 'sent twice it is one').toHaveLength(1)
  await world.decide(world.draft('resume', { hold: holdOf(world) }))
  expect(await world.refusal('/v1/holds', { hold: old })).toBe('KMS_HOLD_ENDED')
  await world.start()
  expect(await world.refusal('/v1/holds', { hold: old })).toBe('KMS_HOLD_ENDED')
  expect(await releases(world)).toBe('none')
  world.now += 1
  expect(await world.refusal('/v1/holds', { hold: world.hold() })).toBe('none')
  expect(await releases(world)).toBe('KMS_HELD')
})

test('every hold is ended by itself, though two members say the same', async () => {
  const world = await World.ready()
  for (const member of world.members.slice(0, 2)) await world.kms.hold(world.hold(member))
  await world.decide(world.draft('resume', { hold: holdOf(world) }))
  expect(await releases(world)).toBe('KMS_HELD')
  expect(world.kms.view.state.governance.holds.map(({ member }) => member.name)).toEqual(['member-1'])
  await world.decide(world.draft('resume', { hold: holdOf(world) }))
  expect(await releases(world)).toBe('none')
})

test('a hold lies neither in the future nor long ago', async () => {
  const world = await World.ready()
  for (const createdAt of [world.now + 301, world.now - 3601])
    expect(await world.refusal('/v1/holds', { hold: world.hold(undefined, { createdAt }) })).toBe(
      'KMS_STATEMENT_TIME',
    )
  const resume = world.draft('resume', { hold: documentDigest({}) })
  expect(await world.refusal('/v1/proposals', { proposal: resume.proposal })).toBe('KMS_PROPOSAL_OVERTAKEN')
})
