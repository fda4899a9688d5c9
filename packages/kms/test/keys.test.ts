import type { InForce } from '@sotto/protocol/governance'
import { documentDigest, type KeySet, PAYLOAD_TYPES, type KmsCertificate } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { MAX_KEYS_PER_SET, planEpoch } from '../src/epochs/index.ts'
import { createRequestKey, lifetimeFrom } from '../src/keys/index.ts'
import { EMPTY_STATE } from '../src/state/index.ts'
import { createStatementKey } from '../src/statements/index.ts'
import { bundleOf, judge } from './client.ts'
import { type Draft, Enclave, signer, World } from './world.ts'

const HOUR = 3600
const DAY = 24 * HOUR

async function passes(world: World): Promise<void> {
  expect(judge(world, await bundleOf(world)).refusing).toEqual([])
}

/** Moves time on in steps, with the KMS doing what is due. */
async function pass(world: World, seconds: number, step: number = 2 * HOUR): Promise<void> {
  for (const end = world.now + seconds; world.now < end;) {
    world.now = Math.min(end, world.now + step)
    await world.kms.tick()
  }
}

test(
  claim(
    ['T1', 'T2', 'T3', 'T6', 'chain.receipt'],
    'what it publishes passes every check of a client, through days, restarts and policies',
  ),
  async () => {
    const world = await World.ready()
    await passes(world)
    for (let day = 0; day < 7; day++) {
      await pass(world, DAY)
      await passes(world)
      if (day === 1) {
        await world.start()
        await passes(world)
      }
      if (day === 2) {
        await world.acceptPolicy(world.proposal())
        await passes(world)
      }
    }
    const certificates = world.logged<KmsCertificate>(PAYLOAD_TYPES.kmsCertificate)
    expect(certificates.length).toBeGreaterThan(2)
  },
)

test(claim('T3', 'every epoch is one logged set that names the one before'), async () => {
  const world = await World.ready()
  await pass(world, 3 * DAY)
  await world.start()
  await world.rotate()
  const sets = world.logged<KeySet>(PAYLOAD_TYPES.keySet)
  expect(sets.map(({ document }) => document.epoch)).toEqual(sets.map((_, n) => n + 1))
  sets.forEach(({ document }, n) => {
    expect(document.previous).toBe(n === 0 ? '0'.repeat(64) : documentDigest(sets[n - 1]!.document))
  })
})

test(
  claim('T4', 'a key lives a day, overlaps its successor, stays through its grace, and is then destroyed'),
  async () => {
    const world = await World.ready()
    const [first] = world.keySet.keys
    const held = (): boolean => world.kms.view.state.keys.has(first!.keyId)
    expect(first!.notAfter - first!.notBefore).toBe(DAY)
    world.now = first!.notAfter - DAY / 4 - 1
    await world.kms.tick()
    expect(world.keySet.epoch).toBe(1)
    world.now = first!.notAfter - DAY / 4
    await world.kms.tick()
    expect(world.keySet.keys.map(({ keyId }) => keyId)).toEqual([2, 3, 0, 1])
    const released = async (): Promise<number[]> => {
      const enclave = new Enclave(world.workload)
      const request = await enclave.request(world)
      const { body } = await world.call('/v1/release', request)
      return enclave.open(request, body as never, world.genesis).keys.map(({ keyId }) => keyId)
    }
    expect(await released()).toEqual([2, 3, 0, 1])
    world.now = first!.notAfter + 1
    await world.kms.tick()
    expect(await released(), 'in its grace').toEqual([2, 3, 0, 1])
    world.now = first!.notAfter + 600
    await world.kms.tick()
    expect(held(), 'at the end of its grace').toBe(true)
    world.now += 1
    expect(await released(), 'past its grace, before anything cleaned up').toEqual([2, 3])
    await world.kms.tick()
    expect(held()).toBe(false)
    expect([...world.kms.view.state.keys.keys()]).toEqual([2, 3])
  },
)

test('expired keys are destroyed even when the log is away', async () => {
  const world = await World.ready()
  world.log.isDown = true
  world.now += DAY + 700
  await expect(world.kms.tick()).rejects.toMatchObject({ code: 'LOG_UNREACHABLE' })
  expect(world.kms.view.state.keys.size).toBe(0)
  expect(await world.refusal('/v1/release', await new Enclave(world.workload).request(world))).not.toBe(
    'none',
  )
  world.log.isDown = false
  await world.kms.tick()
  expect(world.keySet.keys.map(({ keyId }) => keyId)).toEqual([2, 3])
})

test('identifiers are reused only when nobody can hold them any more', async () => {
  const world = await World.ready({
    rotationSeconds: 1200,
    overlapSeconds: 600,
    graceSeconds: 60,
    suites: ['X25519', 'X-Wing'],
  })
  await pass(world, 1.2 * DAY, 600)
  const holders = new Map<number, { config: string; until: number }>()
  let reused = 0
  for (const { document } of world.logged<KeySet>(PAYLOAD_TYPES.keySet)) {
    for (const { keyId, config, notAfter } of document.keys) {
      const holder = holders.get(keyId)
      if (holder !== undefined && holder.config !== config) {
        reused++
        expect(holder.until).toBeLessThan(document.issuedAt)
      }
      holders.set(keyId, { config, until: notAfter + 60 + HOUR })
    }
  }
  expect(reused).toBeGreaterThan(10)
})

test('a member can rotate, once per epoch; nobody else can', async () => {
  const world = await World.ready()
  const { epoch } = world.keySet
  const refusal = ({ proposal }: Draft): Promise<string> => world.refusal('/v1/proposals', { proposal })
  expect(await refusal(world.rotation(epoch, signer(66)))).toBe('KMS_NOT_AUTHORIZED')
  expect(await refusal(world.rotation(epoch, world.releaser))).toBe('KMS_NOT_AUTHORIZED')
  expect(await refusal(world.rotation(epoch + 1))).toBe('KMS_EPOCH_CONFLICT')
  expect(await world.refusal('/v1/proposals', '{}')).toBe('JCS_FIELD')
  expect(world.keySet.epoch).toBe(epoch)
  const draft = world.rotation(epoch)
  await world.rotate(draft)
  expect(world.keySet.keys.map(({ keyId }) => keyId)).toEqual([2, 3, 0, 1])
  expect(await refusal(draft)).toBe('KMS_PROPOSAL_CLOSED')
  world.now += 1
  expect(await refusal(world.rotation(epoch))).toBe('KMS_EPOCH_CONFLICT')
  expect(world.keySet.epoch).toBe(epoch + 1)
})

test('a member who rotates for ever is stopped before scheduled rotations starve', async () => {
  const world = await World.ready({ suites: ['X-Wing'] })
  let code = 'none'
  let rotations = 0
  for (; code === 'none' && rotations < 100; rotations++) {
    // What a member may have logged is rationed too.
    world.now += 30
    code = await world.rotate().then(
      () => 'none',
      (error: { code: string }) => error.code,
    )
  }
  expect(code).toBe('KMS_KEY_IDS_EXHAUSTED')
  expect(rotations).toBeGreaterThan(5)
  const { epoch } = world.keySet
  await pass(world, 2 * DAY)
  expect(world.keySet.epoch).toBe(epoch + 2)
  await passes(world)
})

test('the largest set there is fits one log entry', () => {
  const lifetime = lifetimeFrom(2_000_000_000, { rotationSeconds: DAY, overlapSeconds: 1, graceSeconds: 1 })
  const keys = Array.from({ length: MAX_KEYS_PER_SET }, (_, n) =>
    createRequestKey('X-Wing', 255 - n, '0'.repeat(64), lifetime),
  )
  const identity = { genesis: { envelope: '' }, digest: '0'.repeat(64) }
  const statementKey = createStatementKey(identity.digest, signer(1), 2_000_000_000)
  const rotation = { rotationSeconds: DAY, overlapSeconds: 1, graceSeconds: 1 }
  const majority = 1
  const inForce: InForce = {
    genesis: '0'.repeat(64),
    digest: '0'.repeat(64),
    sequence: 0,
    members: [],
    majorities: {
      'key-release-policy': majority,
      constitution: majority,
      rotate: majority,
      resume: majority,
      custodians: majority,
      'rotate-root': majority,
    },
    releaseKeys: [],
    rotation,
  }
  const state = {
    ...EMPTY_STATE,
    identity,
    keys: new Map(keys.map((key) => [key.keyId, key])),
    governance: { ...EMPTY_STATE.governance, inForce },
  }
  const plan = {
    policy: '0'.repeat(64),
    forceNewKeys: true,
    now: 2_000_000_000,
    suites: ['X-Wing'],
    statementKey,
  } as const
  const { pending } = planEpoch(state, plan)
  expect(pending!.epoch.keyIds).toHaveLength(MAX_KEYS_PER_SET)
  expect(pending!.epoch.statement.envelope.length).toBeLessThan(60_000)
})

test(claim('T6', 'evidence is renewed over a newer checkpoint'), async () => {
  const world = await World.ready()
  const before = world.kms.view.boot.own
  await pass(world, HOUR, HOUR / 2)
  const after = world.kms.view.boot.own
  expect(after.binding.checkpoint).not.toBe(before.binding.checkpoint)
  expect(after.binding.signingKey).toBe(before.binding.signingKey)
  await passes(world)
})
