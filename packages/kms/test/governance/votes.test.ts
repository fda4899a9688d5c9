import { type Decision, type GovernanceRecord, verifyDecision } from '@sotto/protocol/governance'
import { documentDigest, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { type Draft, Enclave, signer, World } from '../world.ts'

const DAY = 86_400

async function started(): Promise<World> {
  const world = new World()
  await world.start()
  return world
}

const send = ({ proposal, releases }: Draft, world: World): Promise<string> =>
  world.refusal('/v1/proposals', { proposal, releases })
const cast = (world: World, ballot: string): Promise<string> => world.refusal('/v1/ballots', { ballot })
const records = (world: World): GovernanceRecord[] =>
  world.logged<GovernanceRecord>(PAYLOAD_TYPES.governance).map(({ document }) => document)
const decisions = (world: World): { document: Decision; envelope: string }[] =>
  world.logged(PAYLOAD_TYPES.decision)

test(
  claim(['T2', 'governance'], 'a policy comes true with the ballot that makes the majority, and not before'),
  async () => {
    const world = await started()
    const draft = world.proposal()
    expect(await send(draft, world)).toBe('none')
    expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
    expect(await cast(world, world.ballot(draft.id, world.members[0]))).toBe('none')
    expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
    expect(decisions(world)).toEqual([])
    const { body } = await world.call('/v1/ballots', { ballot: world.ballot(draft.id, world.members[2]) })
    expect(body).toMatchObject({ outcome: 'accepted', accepted: ['member-0', 'member-2'] })
    expect(await world.refusal('/v1/keys')).toBe('none')
    const [decision] = decisions(world)
    const proven = verifyDecision(new TextEncoder().encode(decision!.envelope), [world.inForce])
    expect(proven).toMatchObject({ id: draft.id, author: { name: 'member-0' } })
  },
)

test(
  claim('governance', 'nothing is accepted by waiting, by proposing, or by one member however often'),
  async () => {
    const world = await started()
    const draft = world.proposal()
    await send(draft, world)
    const entries = world.log.entries.length
    for (let n = 0; n < 3; n++) {
      expect(await send(draft, world)).toBe('none')
      expect(await cast(world, world.ballot(draft.id))).toBe('none')
      // The same vote in other bytes, which another library or another moment makes.
      expect(await cast(world, world.ballot(draft.id, undefined, 'accept', { castAt: world.now - 1 }))).toBe(
        'none',
      )
    }
    expect(world.log.entries).toHaveLength(entries + 1)
    for (let day = 0; day < 15; day++) {
      world.now += DAY
      await world.kms.tick()
    }
    expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
    expect(world.kms.view.state.proposals.size).toBe(0)
    expect(await cast(world, world.ballot(draft.id, world.members[1]))).toBe('KMS_PROPOSAL_UNKNOWN')
  },
)

test('the whole history is in the log, in order, each record naming the one before', async () => {
  const world = await started()
  await world.decide(world.proposal())
  await world.decide(world.rotation())
  const all = records(world)
  expect(all.map(({ entry }) => entry.type)).toEqual(['proposal', 'ballot', 'ballot', 'proposal', 'ballot'])
  expect(all.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5])
  all.forEach((record, n) => {
    expect(record.previous).toBe(n === 0 ? '0'.repeat(64) : documentDigest(all[n - 1]!))
  })
  const made = decisions(world)
  expect(made.map(({ document }) => document.sequence)).toEqual([1, 2])
  expect(made[1]!.document.previous).toBe(documentDigest(made[0]!.document))
})

const STRANGERS: [string, (world: World) => [string, unknown], string][] = [
  [
    'a proposal of somebody who is no member',
    (w) => ['/v1/proposals', { proposal: w.draft('rotate', { epoch: 1 }, [signer(66)]).proposal }],
    'KMS_NOT_AUTHORIZED',
  ],
  [
    'a proposal signed with a release key',
    (w) => ['/v1/proposals', { proposal: w.draft('rotate', { epoch: 1 }, [w.releaser]).proposal }],
    'KMS_NOT_AUTHORIZED',
  ],
  [
    'a proposal for another KMS',
    (w) => [
      '/v1/proposals',
      { proposal: w.draft('rotate', { epoch: 1 }, undefined, { genesis: '00'.repeat(32) }).proposal },
    ],
    'KMS_WRONG_GENESIS',
  ],
  [
    'a ballot of a stranger',
    (w) => ['/v1/ballots', { ballot: w.ballot('ab'.repeat(32), signer(66)) }],
    'KMS_NOT_AUTHORIZED',
  ],
  [
    'a ballot for another KMS',
    (w) => [
      '/v1/ballots',
      { ballot: w.ballot('ab'.repeat(32), undefined, 'accept', { genesis: '00'.repeat(32) }) },
    ],
    'KMS_WRONG_GENESIS',
  ],
  [
    'a ballot on nothing',
    (w) => ['/v1/ballots', { ballot: w.ballot('ab'.repeat(32)) }],
    'KMS_PROPOSAL_UNKNOWN',
  ],
  ['a ballot as a hold', (w) => ['/v1/holds', { hold: w.ballot('ab'.repeat(32)) }], 'KMS_REQUEST_MALFORMED'],
  ['a hold as a ballot', (w) => ['/v1/ballots', { ballot: w.hold() }], 'KMS_REQUEST_MALFORMED'],
  ['a hold of a stranger', (w) => ['/v1/holds', { hold: w.hold(signer(66)) }], 'KMS_NOT_AUTHORIZED'],
  [
    'a hold for another KMS',
    (w) => ['/v1/holds', { hold: w.hold(undefined, { genesis: '00'.repeat(32) }) }],
    'KMS_WRONG_GENESIS',
  ],
  ['no token', () => ['/v1/ballots', { ballot: 'x' }], 'KMS_REQUEST_MALFORMED'],
  ['an unknown member of the body', (w) => ['/v1/ballots', { ballot: w.hold(), now: true }], 'JCS_FIELD'],
  ['an empty body', () => ['/v1/proposals', {}], 'JCS_FIELD'],
]

test(claim('governance', 'strangers change nothing, and cost no work at the log'), async () => {
  const world = await World.ready()
  const entries = world.log.entries.length
  world.log.asked = []
  for (const [name, make, code] of STRANGERS) {
    const [path, body] = make(world)
    expect(await world.refusal(path, body), name).toBe(code)
  }
  expect(world.log.asked).toEqual([])
  expect(world.log.entries).toHaveLength(entries)
})

test('a member has one vote, and keeps to it', async () => {
  const world = await started()
  const draft = world.proposal()
  await send(draft, world)
  expect(await cast(world, world.ballot(draft.id, undefined, 'reject'))).toBe('none')
  expect(await cast(world, world.ballot(draft.id, undefined, 'accept'))).toBe('KMS_BALLOT_CAST')
  expect(await cast(world, world.ballot(draft.id, world.members[1]))).toBe('none')
  expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
})

test('what can no longer be accepted is closed, and stays closed', async () => {
  const world = await started()
  const draft = world.proposal()
  await send(draft, world)
  await cast(world, world.ballot(draft.id, world.members[0]))
  await cast(world, world.ballot(draft.id, world.members[1], 'reject'))
  const { body } = await world.call('/v1/ballots', {
    ballot: world.ballot(draft.id, world.members[2], 'reject'),
  })
  expect(body).toMatchObject({ outcome: 'rejected', rejected: ['member-1', 'member-2'] })
  expect(await send(draft, world)).toBe('KMS_PROPOSAL_CLOSED')
  await world.start()
  expect(await send(draft, world)).toBe('KMS_PROPOSAL_CLOSED')
  expect((await world.call(`/v1/proposals/${draft.id}`)).body).toMatchObject({ outcome: 'rejected' })
})

test('a proposal that something else overtook is closed, whatever votes it has', async () => {
  const world = await World.ready()
  world.now += 10
  const [older, newer] = [1, 2].map((age) => world.proposal(world.policy({ createdAt: world.now + age })))
  const rotation = world.rotation()
  for (const draft of [older!, newer!, rotation]) expect(await send(draft, world)).toBe('none')
  await cast(world, world.ballot(older!.id))
  await world.decide(newer!)
  for (const { id } of [older!, rotation]) {
    expect((await world.call(`/v1/proposals/${id}`)).body).toMatchObject({ outcome: 'overtaken' })
    expect(await cast(world, world.ballot(id, world.members[1]))).toBe('KMS_PROPOSAL_CLOSED')
  }
  expect(world.keySet.epoch).toBe(2)
})

test('time: nothing from the future, nothing after its end, and a clock set back changes neither', async () => {
  const world = await World.ready()
  const rotation = (change: object): string => world.draft('rotate', { epoch: 1 }, undefined, change).proposal
  const future = rotation({ createdAt: world.now + 301, expiresAt: world.now + 400 })
  expect(await world.refusal('/v1/proposals', { proposal: future })).toBe('KMS_STATEMENT_TIME')
  const over = rotation({ createdAt: world.now - 20, expiresAt: world.now })
  expect(await world.refusal('/v1/proposals', { proposal: over })).toBe('KMS_STATEMENT_TIME')
  const draft = world.draft('rotate', { epoch: 1 }, undefined, { expiresAt: world.now + 100 })
  await send(draft, world)
  const early = world.ballot(draft.id, undefined, 'accept', { castAt: world.now + 400 })
  expect(await cast(world, early)).toBe('KMS_STATEMENT_TIME')
  const inTime = world.ballot(draft.id)
  world.now += 101
  await world.kms.tick()
  world.now -= 101
  expect(await cast(world, inTime), 'the host owns the clock, but it never goes back here').toBe(
    'KMS_PROPOSAL_UNKNOWN',
  )
  expect(world.keySet.epoch).toBe(1)
})

test('one member cannot flood: the others still find room, and their votes are taken', async () => {
  const world = await World.ready()
  const [first, second] = world.members
  const codes: string[] = []
  for (let n = 0; n < 40; n++) {
    const by = world.draft('rotate', { epoch: 1 }, [first!], { expiresAt: world.now + 1000 + n })
    codes.push(await send(by, world))
  }
  expect(codes.filter((code) => code === 'none')).toHaveLength(8)
  expect(new Set(codes.slice(8))).toEqual(new Set(['KMS_PROPOSALS_FULL']))
  const other = world.draft('rotate', { epoch: 1 }, [second!], { expiresAt: world.now + 5000 })
  expect(await send(other, world)).toBe('none')
  expect(await cast(world, world.ballot(other.id, second))).toBe('none')
  expect(world.keySet.epoch).toBe(2)
  expect(world.kms.view.state.proposals.size, 'all the others asked for the same').toBe(0)
})

test('members who filled the room do not keep out the one who has nothing open', async () => {
  const world = await World.ready()
  const open = (by: (typeof world.members)[number], n: number): Promise<string> =>
    send(world.draft('rotate', { epoch: 1 }, [by], { expiresAt: world.now + 1000 + n }), world)
  for (const [m, member] of world.members.slice(0, 2).entries())
    for (let n = 0; n < 8; n++) expect(await open(member, 10 * m + n)).toBe('none')
  expect(await open(world.members[2]!, 100)).toBe('none')
  expect(await open(world.members[2]!, 101)).toBe('KMS_PROPOSALS_FULL')
})

test('a clock that ran ahead makes no room for a copy of what was decided', async () => {
  const world = await World.ready()
  const draft = world.draft('rotate', { epoch: 1 }, world.members.slice(0, 1), {
    expiresAt: world.now + 50 * DAY,
  })
  await world.decide(draft)
  const { now } = world
  world.now += 60 * DAY
  await world.kms.tick()
  expect(world.kms.view.state.governance.closed).toEqual([])
  world.now = now
  await world.start()
  const log = world.log.entries.length
  expect(await send(draft, world)).toBe('KMS_STATEMENT_TIME')
  expect(world.log.entries).toHaveLength(log)
})

test('what one member signs in a row is rationed, and closed proposals are remembered within bounds', async () => {
  const world = await World.ready()
  let code = 'none'
  let sent = 0
  for (; code === 'none' && sent < 200; sent++) {
    const draft = world.rotation()
    code = await send(draft, world)
    if (code === 'none') code = await cast(world, world.ballot(draft.id))
    if (code === 'KMS_KEY_IDS_EXHAUSTED') code = 'none'
  }
  expect(code).toBe('HTTP_TOO_MANY')
  expect(sent).toBeGreaterThan(10)
})

test('a kind nobody here can carry out is refused before anybody votes on it', async () => {
  const world = await World.ready()
  const draft = world.draft('rotate-root', { generation: 1 })
  const code = await send(draft, world)
  expect(['KMS_PROPOSAL_UNSUPPORTED', 'KMS_PROPOSAL_OVERTAKEN', 'none']).toContain(code)
})

test('a vote reaches no other KMS: what is signed names the genesis', async () => {
  const [one, two] = [await World.ready(), await World.ready({ name: 'other' })]
  const draft = one.rotation()
  expect(await send(draft, two)).toBe('KMS_WRONG_GENESIS')
  await send(draft, one)
  expect(await cast(two, one.ballot(draft.id))).toBe('KMS_WRONG_GENESIS')
  expect(two.keySet.epoch).toBe(1)
  expect(await two.refusal('/v1/release', await new Enclave(two.workload).request(two))).toBe('none')
})
