import { toBase64Url } from '@sotto/protocol/bytes'
import type { TrustBundle } from '@sotto/protocol/evidence'
import { memberSigner, parseMemberJws } from '@sotto/protocol/governance'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { bundleOf, judge } from '../client.ts'
import { MemoryStore } from '../store/memory.ts'
import { Enclave, seed, signer, World } from '../world.ts'

const refusing = (bundle: TrustBundle, world: World): string[] => judge(world, bundle).refusing

const NEWCOMER = signer(44)

/** The second member is replaced, and the majority is two of three as before. */
async function replaceMember(world: World): Promise<void> {
  const members = world.inForce.members.map((member) =>
    member.name === 'member-1' ? { name: 'newcomer', key: toBase64Url(NEWCOMER.publicKey) } : member,
  )
  await world.decide(world.draft('constitution', world.constitution({ members })))
}

test(
  claim(
    ['governance', 'T1', 'T2'],
    'a client that pins the genesis follows the members to the constitution in force',
  ),
  async () => {
    const world = await World.ready()
    await replaceMember(world)
    expect(world.keySet.constitution).toBe(world.inForce.digest)
    const bundle = await bundleOf(world)
    expect(bundle.governance).toHaveLength(1)
    expect(refusing(bundle, world)).toEqual([])
    expect(refusing({ ...bundle, governance: [] }, world), 'left out').toEqual(['keys.policy'])
    expect(refusing({ ...bundle, governance: [...bundle.governance, ...bundle.governance] }, world)).toEqual([
      'keys.policy',
    ])
    // The members of now decide, and the bundle of then is one of another constitution.
    world.now += 10
    await world.acceptPolicy(world.proposal(world.policy(), [NEWCOMER, world.members[2]!]))
    const later = await bundleOf(world)
    expect(refusing(later, world)).toEqual([])
    expect(refusing({ ...later, keySet: bundle.keySet }, world)).not.toEqual([])
    await world.start()
    expect(refusing(await bundleOf(world), world)).toEqual([])
  },
)

test('a member who was replaced has no say, and a ballot from before counts no more', async () => {
  const world = await World.ready()
  world.now += 10
  const draft = world.proposal()
  await world.kms.propose(draft)
  const early = world.ballot(draft.id, world.members[1])
  await world.kms.vote(world.ballot(draft.id, world.members[0]))
  await replaceMember(world)
  expect((await world.call(`/v1/proposals/${draft.id}`)).body).toMatchObject({ outcome: 'overtaken' })
  expect(await world.refusal('/v1/ballots', { ballot: early })).toBe('KMS_NOT_AUTHORIZED')
  expect(await world.refusal('/v1/proposals', { proposal: draft.proposal, releases: draft.releases })).toBe(
    'KMS_PROPOSAL_CLOSED',
  )
  const removed = world.members[1]!
  expect(await world.refusal('/v1/holds', { hold: world.hold(removed) })).toBe('KMS_NOT_AUTHORIZED')
  const again = world.draft('rotate', { epoch: world.keySet.epoch }, [removed])
  expect(await world.refusal('/v1/proposals', { proposal: again.proposal })).toBe('KMS_NOT_AUTHORIZED')
  // Proposed again word for word under the new constitution, it is another proposal.
  const anew = world.proposal()
  expect(anew.id).not.toBe(draft.id)
  expect(await world.refusal('/v1/ballots', { ballot: early })).toBe('KMS_NOT_AUTHORIZED')
})

test('a proposal made under another constitution is refused, whoever signed it', async () => {
  const world = await World.ready()
  const before = world.rotation()
  await replaceMember(world)
  const late = world.draft('rotate', { epoch: world.keySet.epoch }, undefined, {
    constitution: parseMemberJws(before.proposal, 'proposal').document.constitution,
  })
  expect(await world.refusal('/v1/proposals', { proposal: late.proposal })).toBe('KMS_PROPOSAL_OVERTAKEN')
})

test('lives of keys and majorities change with the constitution, at once and after a restart', async () => {
  const world = await World.ready()
  const { majorities } = world.inForce
  const rotation = { rotationSeconds: 3600, overlapSeconds: 900, graceSeconds: 60 }
  await world.decide(
    world.draft('constitution', world.constitution({ rotation, majorities: { ...majorities, rotate: 2 } })),
  )
  await world.start()
  expect(world.kms.rotation).toEqual(rotation)
  const draft = world.rotation()
  await world.decide(draft)
  const { epoch } = world.keySet
  await world.kms.vote(world.ballot(draft.id, world.members[1]))
  expect(world.keySet.epoch).toBe(epoch + 1)
  const [newest] = world.keySet.keys
  expect(newest!.notAfter - newest!.notBefore).toBe(3600)
})

test('members with P-256 keys vote like the others', async () => {
  const world = await World.ready()
  const p256 = memberSigner('ES256', seed(3))
  const members = [...world.inForce.members.slice(0, 2), { name: 'p256', key: p256.key }]
  await world.decide(world.draft('constitution', world.constitution({ members })))
  const draft = world.rotation()
  await world.kms.propose(draft)
  const other = new World({ members: [{ name: 'only', key: p256.key }], threshold: 1 })
  await other.start()
  expect(other.inForce.members[0]!.key).toBe(p256.key)
  await world.kms.vote(world.ballot(draft.id))
  expect(world.keySet.epoch).toBe(3)
})

test('a release key that members took away vouches for nothing new', async () => {
  const world = await World.ready()
  const releaser = signer(77)
  await world.decide(
    world.draft('constitution', world.constitution({ releaseKeys: [toBase64Url(releaser.publicKey)] })),
  )
  world.now += 10
  const draft = world.proposal()
  expect(await world.refusal('/v1/proposals', { proposal: draft.proposal, releases: draft.releases })).toBe(
    'KMS_POLICY_TUPLE',
  )
  expect(await world.refusal('/v1/release', await new Enclave(world.workload).request(world))).toBe('none')
})

test(claim('T11', 'an old copy of the store that misses one vote is refused'), async () => {
  const world = await World.ready()
  const draft = world.proposal(world.policy({ createdAt: world.now + 1 }))
  await world.kms.propose(draft)
  const { records } = world.store as MemoryStore
  const old = new MemoryStore()
  for (const [name, record] of records) old.records.set(name, { ...record, value: record.value.slice() })
  await world.kms.vote(world.ballot(draft.id, undefined, 'reject'))
  world.store = old
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
})
