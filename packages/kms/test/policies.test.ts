import { parseMemberJws } from '@sotto/protocol/governance'
import { type KeyReleasePolicy, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { componentOf, type Draft, Enclave, signer, World } from './world.ts'

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
  const { proposal } = world.rotation(1)
  expect(await world.refusal('/v1/proposals', { proposal })).toBe('KMS_NO_POLICY')
  expect((await world.call('/readyz')).body).toMatchObject({ code: 'KMS_NO_POLICY' })
  expect(Object.keys((await world.call('/v1/genesis')).body)).toEqual([
    'genesis',
    'roots',
    'certificate',
    'kms',
  ])
})

test('a policy with enough votes makes keys', async () => {
  const world = new World()
  await world.start()
  await world.acceptPolicy(world.proposal())
  const { status, body } = await world.call('/v1/keys')
  expect(status).toBe(200)
  expect(Object.keys(body)).toEqual([
    'genesis',
    'roots',
    'certificate',
    'kms',
    'releases',
    'governance',
    'policy',
    'keySet',
  ])
  expect((await world.call('/readyz')).status).toBe(200)
})

const REFUSALS: [string, (world: World) => Draft, string][] = [
  ['another KMS', (w) => w.proposal(w.policy({ genesis: '00'.repeat(32) })), 'KMS_REQUEST_MALFORMED'],
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
]

test(
  claim(['T2', 'T10'], 'nothing can be voted on that lacks a logged release; the log hears of none of it'),
  async () => {
    const world = new World()
    await world.start()
    for (const [name, make, code] of REFUSALS) {
      const { proposal, releases } = make(world)
      expect(await world.refusal('/v1/proposals', { proposal, releases }), name).toBe(code)
    }
    expect(world.logged(PAYLOAD_TYPES.governance)).toEqual([])
    expect(world.kms.view.state.proposals.size).toBe(0)
  },
)

test(claim('T2', 'another policy means other keys: the old ones are gone from here at once'), async () => {
  const world = await World.ready()
  const before = world.keySet
  const old = new Enclave(world.workload)
  world.now += 10
  const policy = world.policy({ anyOf: [world.tuple(OTHER)] })
  await world.acceptPolicy(world.proposal(policy, undefined, [world.logRelease(OTHER)]))
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
  await world.acceptPolicy(weak)
  world.now += 10
  await world.acceptPolicy(world.proposal())
  const { proposal, releases } = weak
  expect(await world.refusal('/v1/proposals', { proposal, releases })).toBe('KMS_PROPOSAL_CLOSED')
  // Signed anew it is as old as it was.
  const { document } = parseMemberJws(proposal, 'proposal')
  const again = world.proposal(document.body as KeyReleasePolicy, undefined, releases)
  for (const start of [false, true]) {
    if (start) await world.start()
    expect(await world.refusal('/v1/proposals', { ...again, id: undefined, voters: undefined })).toBe(
      'KMS_POLICY_OLD',
    )
  }
})
