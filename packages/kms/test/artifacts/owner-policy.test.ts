import { toBase64Url } from '@sotto/protocol/bytes'
import type { KeyReleasePolicy } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { Enclave, ROOT, World } from '../world.ts'
import { admitWorkloads, ID, KEY, keyFor, OTHER, send } from './asking.ts'

const RELEASED = toBase64Url(KEY)

test(
  claim(
    ['owner.policy', 'chain.policy'],
    'a key leaves only to who satisfies the owner’s policy and the operator’s, each as a whole',
  ),
  async () => {
    const world = await World.withOwner()
    const [a, b] = [world.workload, OTHER]
    const mixed = { image: a.image, hostData: b.hostData }
    const own = (...workloads: (typeof a)[]) =>
      world.artifactImport(ID, KEY, world.ownerPolicy({ anyOf: workloads.map((one) => world.tuple(one)) }))
    await admitWorkloads(world, a, b, mixed)
    expect(await send(world, own(a, b))).toBe('none')
    expect(await keyFor(world, a)).toBe(RELEASED)
    expect(await keyFor(world, b)).toBe(RELEASED)
    expect(await keyFor(world, mixed), 'the image of one tuple, the configuration of another').toBe(
      'KMS_NOT_ADMITTED',
    )
    expect(await send(world, own(b))).toBe('none')
    expect(await keyFor(world, a), 'the owner lets fewer have it').toBe('KMS_NOT_ADMITTED')
    await admitWorkloads(world, a)
    expect(await keyFor(world, b), 'the operator lets fewer have it').toBe('KMS_NOT_ADMITTED')
    await world.start()
    expect(await keyFor(world, a)).toBe('KMS_NOT_ADMITTED')
    await admitWorkloads(world, a, b)
    expect(await keyFor(world, b), 'what the owner said outlives restarts and policies').toBe(RELEASED)
  },
)

test('evidence must be as young as the owner asks', async () => {
  const world = await World.withOwner()
  await send(world, world.artifactImport(ID, KEY, world.ownerPolicy({ evidenceMaxAgeSeconds: 60 })))
  const note = world.log.note()
  world.now += 61
  expect(await keyFor(world, world.workload, { note })).toBe('KMS_NOT_ADMITTED')
  expect(await keyFor(world)).toBe(RELEASED)
})

test(
  claim('T4', 'the logged receipt names each content key that left, and both policies it left by'),
  async () => {
    const world = await World.withOwner()
    const own = world.ownerPolicy()
    await send(world, world.artifactImport(ID, KEY, own))
    await keyFor(world)
    await world.call('/v1/release', await new Enclave(world.workload).request(world))
    const [withKey, without] = world.receipts.slice(-2)
    expect(withKey).toMatchObject({
      policy: world.kms.view.state.policy,
      artifacts: [{ id: ID, owner: world.owner().key, policy: own.policy }],
    })
    expect(without).not.toHaveProperty('artifacts')
  },
)

test('a policy of the owner’s lives as long as something refers to it', async () => {
  const world = await World.withOwner()
  const [first, second] = [world.ownerPolicy(), world.ownerPolicy({ evidenceMaxAgeSeconds: 600 })]
  const other = 'cd'.repeat(16)
  const kept = (): string[] => [...world.kms.view.state.ownerPolicies.keys()]
  await send(world, world.artifactImport(ID, KEY, first))
  await send(world, world.artifactImport(other, KEY, first), other)
  expect(kept()).toEqual([first.policy])
  await send(world, world.artifactImport(ID, KEY, second))
  expect(kept().toSorted()).toEqual([first.policy, second.policy].toSorted())
  await send(world, world.artifactImport(other, KEY), other)
  expect(kept()).toEqual([second.policy])
})

const without = ({ ownerPolicy, ...rest }: { ownerPolicy: KeyReleasePolicy; policy: string }) => {
  void ownerPolicy
  return rest
}

test.each<[string, (world: World) => Uint8Array, string]>([
  [
    'a digest that no policy comes with',
    (w) => w.artifactImport(ID, KEY, without(w.ownerPolicy())),
    'KMS_ARTIFACT_POLICY',
  ],
  [
    'a policy of another digest',
    (w) => w.artifactImport(ID, KEY, { ...w.ownerPolicy(), policy: w.kms.view.state.policy! }),
    'KMS_REQUEST_MALFORMED',
  ],
  [
    'a policy for another KMS',
    (w) => w.artifactImport(ID, KEY, w.ownerPolicy({ genesis: '00'.repeat(32) })),
    'KMS_REQUEST_MALFORMED',
  ],
  [
    'a root that this KMS does not accept',
    (w) =>
      w.artifactImport(
        ID,
        KEY,
        w.ownerPolicy({
          anyOf: [w.tuple(w.workload, { allOf: [{ family: 'software', roots: ['00'.repeat(32)] }] })],
        }),
      ),
    'KMS_POLICY_TUPLE',
  ],
  [
    'hardware, on a KMS for software',
    (w) =>
      w.artifactImport(
        ID,
        KEY,
        w.ownerPolicy({
          anyOf: [w.tuple(w.workload, { allOf: [{ family: 'sev-snp', measurements: ['00'.repeat(48)] }] })],
        }),
      ),
    'KMS_POLICY_MIXED',
  ],
  [
    'a component that means nothing',
    (w) =>
      w.artifactImport(
        ID,
        KEY,
        w.ownerPolicy({
          anyOf: [w.tuple(w.workload, { allOf: [{ family: 'software', roots: [ROOT], colour: 'red' }] })],
        }),
      ),
    'KMS_REQUEST_MALFORMED',
  ],
  [
    'no tuple for a workload',
    (w) => w.artifactImport(ID, KEY, w.ownerPolicy({ anyOf: [w.tuple(w.workload, { role: 'kms' })] })),
    'KMS_POLICY_TUPLE',
  ],
])('refuses an owner’s policy: %s', async (_, make, code) => {
  const world = await World.withOwner()
  expect(await send(world, make(world))).toBe(code)
  expect(world.kms.view.state.artifacts.size).toBe(0)
  expect(world.kms.view.state.ownerPolicies.size).toBe(0)
})
