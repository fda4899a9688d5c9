import { fromUtf8 } from '@sotto/protocol/bytes'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, type KeyReleasePolicy, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import type { PolicyProposal } from '../src/policies/index.ts'
import { componentOf, Enclave, signer, World } from './world.ts'

/** The same workload as a processor of AMD reports it. */
const HARDWARE_RELEASE = { family: 'sev-snp', measurements: ['ab'.repeat(48)] } as const
const HARDWARE = { allOf: [HARDWARE_RELEASE] }

const OTHER = { image: 'ee'.repeat(32), hostData: 'ff'.repeat(32) }

test('before the first policy there are no keys, and the identity is already known', async () => {
  const world = new World()
  expect(await world.refusal('/v1/keys')).toBe('KMS_NOT_READY')
  expect((await world.call('/readyz')).status).toBe(503)
  expect((await world.call('/livez')).status).toBe(200)
  await world.start()
  expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
  expect(await world.refusal('/v1/release', await new Enclave(world.workload).request(world))).toBe(
    'KMS_NO_POLICY',
  )
  expect(await world.refusal('/v1/rotate', world.rotation(0))).toBe('KMS_NO_POLICY')
  expect((await world.call('/readyz')).body).toMatchObject({ code: 'KMS_NO_POLICY' })
  expect(Object.keys((await world.call('/v1/genesis')).body)).toEqual(['genesis', 'certificate', 'kms'])
})

test('a policy with enough votes makes keys', async () => {
  const world = new World()
  await world.start()
  const { status, body } = await world.call('/v1/policies', world.proposal())
  expect(status).toBe(200)
  expect(Object.keys(body)).toEqual(['genesis', 'certificate', 'kms', 'releases', 'policy', 'keySet'])
  expect(await world.call('/v1/keys')).toMatchObject({ status: 200, body })
  expect((await world.call('/readyz')).status).toBe(200)
})

const signed = (
  world: World,
  policy: KeyReleasePolicy,
  voters: ReturnType<typeof signer>[],
  type: string = PAYLOAD_TYPES.keyReleasePolicy,
): PolicyProposal => ({
  ...world.proposal(),
  policy: fromUtf8(signDsse(type, encodeDocument(policy), voters)),
})

const REFUSALS: [string, (world: World) => unknown, string][] = [
  ['one vote of two', (w) => w.proposal(w.policy(), w.members.slice(0, 1)), 'KMS_NOT_AUTHORIZED'],
  [
    'one vote given twice',
    (w) => w.proposal(w.policy(), [w.members[0]!, w.members[0]!]),
    'KMS_NOT_AUTHORIZED',
  ],
  [
    'a vote of somebody else',
    (w) => w.proposal(w.policy(), [w.members[0]!, signer(66)]),
    'KMS_NOT_AUTHORIZED',
  ],
  [
    'a release key as a voter',
    (w) => w.proposal(w.policy(), [w.members[0]!, w.releaser]),
    'KMS_NOT_AUTHORIZED',
  ],
  [
    'enough votes and a stranger’s signature',
    (w) => w.proposal(w.policy(), [...w.members, signer(66)]),
    'KMS_NOT_AUTHORIZED',
  ],
  [
    'votes for another kind of document',
    (w) => signed(w, w.policy(), w.members, PAYLOAD_TYPES.genesis),
    'KMS_REQUEST_MALFORMED',
  ],
  ['another KMS', (w) => w.proposal(w.policy({ genesis: '00'.repeat(32) })), 'KMS_WRONG_GENESIS'],
  ['a policy from the future', (w) => w.proposal(w.policy({ createdAt: w.now + 301 })), 'KMS_POLICY_OLD'],
  ['no tuple', (w) => w.proposal(w.policy({ anyOf: [] })), 'KMS_REQUEST_MALFORMED'],
  [
    'a tuple without a release statement',
    (w) => w.proposal(w.policy({ anyOf: [w.tuple(OTHER)] })),
    'KMS_POLICY_TUPLE',
  ],
  [
    'a tuple made of two releases',
    (w) =>
      w.proposal(
        w.policy({ anyOf: [w.tuple({ image: OTHER.image, hostData: w.workload.hostData })] }),
        undefined,
        [w.logRelease(w.workload), w.logRelease(OTHER)],
      ),
    'KMS_POLICY_TUPLE',
  ],
  [
    'a tuple that names a KMS as the holder',
    (w) => w.proposal(w.policy({ anyOf: [w.tuple(w.workload, { role: 'kms' })] })),
    'KMS_POLICY_TUPLE',
  ],
  [
    'a root nobody configured',
    (w) =>
      w.proposal(
        w.policy({
          anyOf: [w.tuple(w.workload, { allOf: [{ ...componentOf(w.workload), roots: ['00'.repeat(32)] }] })],
        }),
      ),
    'KMS_POLICY_TUPLE',
  ],
  [
    'hardware in a software KMS',
    (w) => w.proposal(w.policy({ anyOf: [w.tuple(w.workload, HARDWARE)] })),
    'KMS_POLICY_MIXED',
  ],
  [
    'software and hardware side by side',
    (w) => w.proposal(w.policy({ anyOf: [w.tuple(), w.tuple(OTHER, HARDWARE)] })),
    'KMS_POLICY_MIXED',
  ],
  [
    'a release signed by somebody else',
    (w) => w.proposal(w.policy(), undefined, [w.logRelease(w.workload, {}, signer(66))]),
    'KMS_POLICY_TUPLE',
  ],
  [
    'a release for another role',
    (w) => w.proposal(w.policy(), undefined, [w.logRelease(w.workload, { role: 'kms' })]),
    'KMS_POLICY_TUPLE',
  ],
  [
    'a release for another platform',
    (w) => w.proposal(w.policy(), undefined, [w.logRelease(w.workload, { evidence: HARDWARE_RELEASE })]),
    'KMS_POLICY_TUPLE',
  ],
  [
    'a release at another place of the log',
    (w) => w.proposal(w.policy(), undefined, [{ ...w.logRelease(w.workload), index: 0 }]),
    'KMS_RELEASE_NOT_LOGGED',
  ],
  [
    'a release beyond the log',
    (w) => w.proposal(w.policy(), undefined, [{ ...w.logRelease(w.workload), index: 999 }]),
    'KMS_RELEASE_NOT_LOGGED',
  ],
  [
    'evidence that may be older than a day',
    (w) => w.proposal(w.policy({ evidenceMaxAgeSeconds: 86_401 })),
    'KMS_REQUEST_MALFORMED',
  ],
  ['no votes', () => ({ policy: '{}', releases: [{ envelope: 'x', index: 0 }] }), 'KMS_REQUEST_MALFORMED'],
  ['an empty body', () => ({}), 'JCS_FIELD'],
]

test(
  claim(
    ['T2', 'T10'],
    'nothing is accepted that lacks votes or a logged release; the log hears of none of it',
  ),
  async () => {
    const world = new World()
    await world.start()
    for (const [name, make, code] of REFUSALS)
      expect(await world.refusal('/v1/policies', make(world)), name).toBe(code)
    expect(world.logged(PAYLOAD_TYPES.keyReleasePolicy)).toEqual([])
    expect(world.kms.view.state.epoch).toBeUndefined()
  },
)

test('a proposal is not accepted by waiting', async () => {
  const world = new World()
  await world.start()
  await world.refusal('/v1/policies', world.proposal(world.policy(), world.members.slice(0, 1)))
  world.now += 86_400
  await world.kms.tick()
  expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
  await world.refusal('/v1/policies', world.proposal(world.policy(), world.members.slice(1, 2)))
  expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
})

test(claim('T2', 'another policy means other keys: the old ones are gone from here at once'), async () => {
  const world = await World.ready()
  const before = world.keySet
  const old = new Enclave(world.workload)
  world.now += 10
  const policy = world.policy({ anyOf: [world.tuple(OTHER)] })
  await world.kms.acceptPolicy(world.proposal(policy, undefined, [world.logRelease(OTHER)]))
  expect(world.keySet.epoch).toBe(2)
  expect(
    world.keySet.keys
      .map(({ config }) => config)
      .some((config) => before.keys.some((key) => key.config === config)),
  ).toBe(false)
  expect(world.keySet.keys.map(({ keyId }) => keyId)).toEqual([2, 3])
  expect([...world.kms.view.state.keys.keys()]).toEqual([2, 3])
  expect(await world.refusal('/v1/release', await old.request(world))).toBe('KMS_NOT_ADMITTED')
  expect(await world.refusal('/v1/release', await new Enclave(OTHER).request(world))).toBe('none')
})

test('an old policy cannot be brought back, however well it is signed', async () => {
  const world = await World.ready()
  const weak = world.proposal(
    world.policy({ createdAt: world.now + 1, anyOf: [world.tuple(), world.tuple(OTHER)] }),
    undefined,
    [world.logRelease(world.workload), world.logRelease(OTHER)],
  )
  await world.kms.acceptPolicy(weak)
  world.now += 10
  await world.kms.acceptPolicy(world.proposal())
  expect(await world.refusal('/v1/policies', weak)).toBe('KMS_POLICY_OLD')
  await world.start()
  expect(await world.refusal('/v1/policies', weak)).toBe('KMS_POLICY_OLD')
})

test('the current policy sent again changes nothing, with whichever votes', async () => {
  const world = await World.ready()
  const entries = world.log.entries.length
  const again = await world.call('/v1/policies', world.proposal(world.policy(), world.members.slice(1)))
  expect(again.status).toBe(200)
  expect(world.keySet.epoch).toBe(1)
  expect(world.log.entries).toHaveLength(entries)
})

test('a stranger’s proposals cost no work at the log', async () => {
  const world = await World.ready()
  const proposal = world.proposal(world.policy({ createdAt: world.now + 1 }), [signer(66), signer(67)])
  world.log.asked = []
  expect(await world.refusal('/v1/policies', proposal)).toBe('KMS_NOT_AUTHORIZED')
  expect(world.log.asked).toEqual([])
})

test('changes are rationed', async () => {
  const world = await World.ready()
  const codes = await Promise.all(
    Array.from({ length: 40 }, () => world.refusal('/v1/rotate', new Uint8Array(2))),
  )
  expect(codes).toContain('HTTP_TOO_MANY')
})
