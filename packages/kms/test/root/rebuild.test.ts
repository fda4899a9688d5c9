import { documentDigest } from '@sotto/protocol/keyrelease'
import { beforeAll, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { adoptRecovered, type Recovered } from '../../src/root/index.ts'
import { type KmsState, StateKeeper } from '../../src/state/index.ts'
import { createLogClient, type LogClient } from '@sotto/serve/log-client'
import { MemoryStore } from '../store/memory.ts'
import { seed, World } from '../world.ts'
import { acknowledgement, createCustodians, historyOf, newestSet, sharingOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'

const custodians = createCustodians(3)
const successors = createCustodians(2, 'successor')
let world: World
let live: KmsState
/** A proposal that one member accepted. */
let open: string

/** A life in which everything happens that the log tells about. */
beforeAll(async () => {
  world = new World()
  world.root = new PersistentRoot(seed(55), sharingOf(2, custodians)).obtain()
  await world.start()
  for (const custodian of custodians.slice(0, 2))
    await world.kms.acknowledgeShare(acknowledgement(newestSet(world), custodian))
  await world.acceptPolicy(world.proposal())
  await world.rotate()
  await world.decide(
    world.draft('constitution', world.constitution({ members: world.inForce.members.slice(0, 2) })),
  )
  await world.admitOwners()
  world.now += 3600
  await world.kms.hold(world.hold(world.members[1]))
  await world.kms.hold(world.hold(world.members[0]))
  const [first] = world.kms.view.state.governance.holds
  await world.decide(world.draft('resume', { hold: first!.id }))
  await world.acceptPolicy(
    world.proposal(world.policy({ createdAt: world.now, evidenceMaxAgeSeconds: 7200 })),
  )
  await world.decide(world.draft('custodians', sharingOf(2, successors)))
  await world.kms.tick()
  for (const successor of successors)
    await world.kms.acknowledgeShare(acknowledgement(newestSet(world), successor))
  world.now += 1
  const unfinished = world.draft('constitution', world.constitution({ createdAt: world.now }))
  open = unfinished.id
  await world.kms.propose({ proposal: unfinished.proposal, releases: [] })
  await world.kms.vote(world.ballot(open))
  live = world.kms.view.state
}, 120_000)

function openLog(): LogClient {
  const { log, witnesses } = world.config
  return createLogClient({ ...log, witnesses, fetch: world.log.fetch })
}

async function recover(forgetStore: boolean): Promise<StateKeeper> {
  const keeper = await StateKeeper.open(new MemoryStore())
  const recovered: Recovered = {
    history: historyOf(world),
    nonce: '',
    generation: 2,
    indexes: [1, 2],
    forgetStore,
  }
  await adoptRecovered(keeper, openLog(), recovered)
  return keeper
}

test(
  claim(
    'T11',
    'a store that custodians give up is built anew from the log: what members decided stays in force',
  ),
  async () => {
    const { current } = await recover(true)
    expect(current.identity!.digest).toBe(live.identity!.digest)
    const { governance } = current
    expect(governance.inForce).toEqual(live.governance.inForce)
    expect(governance.succession).toEqual(live.governance.succession)
    expect(governance.records).toEqual(live.governance.records)
    expect(governance.decisions).toEqual(live.governance.decisions)
    const named = (state: KmsState): unknown =>
      state.governance.holds.map(({ id, member, reason, createdAt }) => ({ id, member, reason, createdAt }))
    expect(named(current), 'a hold stays in force').toEqual(named(live))
    expect(governance.lastHolds).toEqual(live.governance.lastHolds)
    expect(current.policy).toBe(live.policy)
    expect([...current.policies.keys()].toSorted()).toEqual([...live.policies.keys()].toSorted())
    expect(current.policies.get(current.policy!)!.document).toEqual(live.policies.get(live.policy!)!.document)
    expect(current.custody!.sharing).toEqual(sharingOf(2, successors))
    expect(current.owners, 'who may keep keys; the keys themselves are gone').toEqual(live.owners)
    expect(live.owners).toHaveLength(1)
  },
)

test('numbers of key sets and identifiers of keys go on where the log ends', async () => {
  const { current } = await recover(true)
  const { number, digest, statement, keyIds, signer } = live.epoch!
  expect(current.epoch).toEqual({ number, digest, statement, keyIds, signer })
  for (const [id, until] of Object.entries(live.keyIds.busyUntil))
    expect(current.keyIds.busyUntil[id], `identifier ${id}`).toBeGreaterThanOrEqual(until)
  expect(current.keyIds.next).toBe(live.keyIds.next)
  expect(current.keys.size).toBe(0)
  expect(current.anchor!.sequence).toBeGreaterThan(live.anchor!.sequence)
})

test('what members decided cannot be decided again with their old votes', async () => {
  const { current } = await recover(true)
  const accepted = live.governance.closed.filter(({ outcome }) => outcome === 'accepted').map(({ id }) => id)
  expect(accepted.length).toBeGreaterThan(4)
  expect(current.governance.closed.map(({ id }) => id)).toEqual(expect.arrayContaining(accepted))
})

test(
  claim(
    'T11',
    'without that consent nothing is taken from the log but the identity, and the start is refused',
  ),
  async () => {
    await expect(recover(false)).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK' })
    const alone = new World()
    Object.assign(alone, { log: world.log, config: world.config, now: world.now })
    alone.root = new PersistentRoot(seed(55), sharingOf(2, custodians)).obtain()
    const recovered: Recovered = {
      history: historyOf(world),
      nonce: '',
      generation: 2,
      indexes: [1, 2],
      forgetStore: false,
    }
    alone.root.obtained = { ...alone.root.obtained, recovered }
    await expect(alone.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
    expect([...(alone.store as MemoryStore).records.keys()], 'they can still agree').toEqual([])
  },
)

test('what was open or rejected cannot be decided with the votes that stand in the log', async () => {
  const { current } = await recover(true)
  expect(current.governance.closed.find(({ id }) => id === open)).toMatchObject({ outcome: 'overtaken' })
})

test(
  claim('T2', 'a policy that members accepted is in force after a recovery, though no key set says so yet'),
  async () => {
    const { length } = world.log.entries
    const stricter = world.proposal(world.policy({ createdAt: world.now, evidenceMaxAgeSeconds: 600 }))
    await world.kms.propose({ proposal: stricter.proposal, releases: stricter.releases })
    await world.kms.vote(world.ballot(stricter.id, world.members[0]))
    // The log takes ballot and decision, and then is away.
    const before = world.log.appends
    world.log.appendFault = (call) => (call >= before + 2 ? 'not-persisted' : undefined)
    await expect(world.kms.vote(world.ballot(stricter.id, world.members[1]))).rejects.toMatchObject({
      action: 'retry',
    })
    const { current } = await recover(true)
    expect(current.policies.get(current.policy!)!.document.evidenceMaxAgeSeconds).toBe(600)
    expect(world.log.entries.length).toBeGreaterThan(length)
  },
)

test('the store of another KMS is no store of this one', async () => {
  const keeper = await StateKeeper.open(new MemoryStore())
  const identity = { genesis: { envelope: '{}', index: 0 }, digest: documentDigest({}) }
  await keeper.transition((state) => ({ ...state, identity }))
  const recovered: Recovered = {
    history: historyOf(world),
    nonce: '',
    generation: 2,
    indexes: [1, 2],
    forgetStore: true,
  }
  await expect(adoptRecovered(keeper, openLog(), recovered)).rejects.toMatchObject({
    code: 'KMS_GENESIS_MISMATCH',
  })
})
