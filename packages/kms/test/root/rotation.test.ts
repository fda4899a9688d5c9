import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { CUSTODY_TYPES, openShare, openShareSet, type RootSuccession } from '@sotto/protocol/custody'
import { composeTrustBundle, type KmsState } from '@sotto/protocol/evidence'
import { type KmsCertificate, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { createLogClient } from '@sotto/serve/log-client'
import { ALWAYS_REQUIRED, type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { kmsError } from '../../src/errors.ts'
import { deriveRoot } from '../../src/root/index.ts'
import type { Fault, MemoryStore } from '../store/memory.ts'
import { Enclave, ROOT, seed, World } from '../world.ts'
import { acknowledgement, createCustodians, historyOf, newestSet, sharingOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'

const SECRET = seed(91)

function clientPolicy(world: World): TrustPolicy {
  return {
    version: 1,
    name: 'test',
    require: [...ALWAYS_REQUIRED, 'log.witnesses-independent'],
    genesis: world.genesis,
    releaseKeys: [Buffer.from(world.releaser.publicKey).toString('base64url')],
    revoked: [],
    minSecurityVersion: { kms: 1, inference: 1 },
    log: { origin: world.log.origin, key: world.log.key },
    witnesses: {
      keys: world.log.witnessKeys.map((key, n) => ({ key, organisation: `org-${n}`, operator: false })),
      quorum: 2,
      allowOperatorWitnesses: false,
    },
    platforms: [{ name: 'software', allOf: [{ family: 'software', roots: [ROOT] }] }],
    kems: ['X-Wing', 'X25519'],
    evidenceMaxAgeSeconds: 86_400,
    checkpointMaxAgeSeconds: 3600,
  }
}

/** The steps of a client that refuse what the KMS publishes now; `change` is what the operator does to it. */
async function refusingSteps(
  world: World,
  change: (state: KmsState) => KmsState = (state) => state,
): Promise<string[]> {
  const { body } = await world.call('/v1/keys')
  const { log, witnesses } = world.config
  const reader = createLogClient({ ...log, witnesses, fetch: world.log.fetch })
  const checkpoint = await reader.latest()
  const state = change(body as unknown as KmsState)
  const bundle = await composeTrustBundle(state, checkpoint.note, reader.prover(checkpoint))
  const { verdict } = verifyTrustBundle(bundle, clientPolicy(world), { now: world.now })
  return verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)
}

async function rotated(root = new PersistentRoot(SECRET)): Promise<World> {
  const world = new World()
  world.root = root.obtain()
  await world.start()
  await world.acceptPolicy(world.proposal())
  return world
}

const rotateRoot = (world: World, generation = 1): Promise<void> =>
  world.decide(world.draft('rotate-root', { generation }))

test('members replace the root key: clients follow, and keys stay the same', async () => {
  const root = new PersistentRoot(SECRET)
  const world = await rotated(root)
  const keys = world.keySet.keys
  const [enclave, inFlight] = [new Enclave(world.workload), new Enclave(world.workload)]
  const request = await inFlight.request(world)
  await rotateRoot(world)
  const [response] = await Promise.all([world.kms.release(request), world.kms.tick()])
  expect(inFlight.open(request, response, world.genesis).keys).toHaveLength(2)

  const [succession] = world.logged<RootSuccession>(CUSTODY_TYPES.rootSuccession)
  expect(succession!.document).toMatchObject({ sequence: 1, previousKey: deriveRoot(SECRET).rootKey })
  expect(historyOf(world).rootKey).toBe(succession!.document.rootKey)
  expect(world.keySet.keys).toEqual(keys)
  expect(await refusingSteps(world)).toEqual([])
  const later = await enclave.request(world)
  expect(enclave.open(later, await world.kms.release(later), world.genesis).keys).toHaveLength(2)

  expect(root.kept).toHaveLength(1)
  expect(equalBytes(root.kept[0]!, SECRET)).toBe(false)
  world.root = root.obtain()
  await world.start()
  expect(world.kms.readiness()).toEqual({ ready: true })
  expect(await refusingSteps(world)).toEqual([])
  await rotateRoot(world, 2)
  await world.kms.tick()
  expect(world.logged(CUSTODY_TYPES.rootSuccession)).toHaveLength(2)
  expect(await refusingSteps(world)).toEqual([])
})

test('a bundle that leaves successions out, changes or reorders them is refused', async () => {
  const world = await rotated()
  await rotateRoot(world)
  await world.kms.tick()
  await rotateRoot(world, 2)
  await world.kms.tick()
  const certificate = ['kms.certificate']
  expect(await refusingSteps(world, (state) => ({ ...state, roots: [] }))).toEqual(certificate)
  expect(await refusingSteps(world, (state) => ({ ...state, roots: state.roots!.slice(0, 1) }))).toEqual(
    certificate,
  )
  expect(await refusingSteps(world, (state) => ({ ...state, roots: state.roots!.slice(1) }))).toEqual(
    certificate,
  )
  expect(await refusingSteps(world, (state) => ({ ...state, roots: state.roots!.toReversed() }))).toEqual(
    certificate,
  )
})

test('the old root secret opens nothing any more', async () => {
  const root = new PersistentRoot(SECRET)
  const world = await rotated(root)
  await rotateRoot(world)
  await world.kms.tick()
  const [next] = root.kept
  expect((world.store as MemoryStore).sealingKey).toEqual(deriveRoot(next!).sealingKey())
  world.root = new PersistentRoot(SECRET).obtain()
  await expect(world.start()).rejects.toMatchObject({ code: 'KMS_ROOT_MISMATCH', action: 'stop' })
})

test('a generation is replaced once, and only the one in force', async () => {
  const world = await rotated()
  await expect(rotateRoot(world, 2)).rejects.toMatchObject({ code: 'KMS_PROPOSAL_OVERTAKEN' })
  const [one, two] = [
    world.draft('rotate-root', { generation: 1 }),
    world.draft('rotate-root', { generation: 1 }, world.members.slice(1), { createdAt: world.now - 1 }),
  ]
  await world.kms.propose({ proposal: two.proposal, releases: [] })
  await world.decide(one)
  await world.kms.tick()
  await expect(world.kms.vote(world.ballot(two.id, world.members[1]))).rejects.toMatchObject({
    code: 'KMS_PROPOSAL_CLOSED',
  })
  expect(world.logged(CUSTODY_TYPES.rootSuccession)).toHaveLength(1)
})

test(
  'killed or refused at any step, a start finds the old or the new generation and ends in the new one',
  { timeout: 240_000 },
  async () => {
    const undisturbed = await life(() => undefined)
    expect(undisturbed.faults).toBe(0)
    const { commits, appends, writes } = undisturbed.counts
    expect([commits, appends, writes].every((count) => count >= 2)).toBe(true)
    const places = [
      ...Array.from({ length: commits }, (_, n) => ['store', n] as const),
      ...Array.from({ length: appends }, (_, n) => ['log', n] as const),
      ...Array.from({ length: writes }, (_, n) => ['source', n] as const),
    ]
    for (const [n, [where, at]] of places.entries()) {
      // Both faults at each place, in turn with and without a new process, unless SLOW=1 asks for all.
      for (const fault of ['not-persisted', 'reported-failed'] as const)
        for (const reboots of process.env['SLOW'] === '1' ? [true, false] : [n % 2 === 0]) {
          const ended = await life(
            (place, count) => (place === where && count === at ? fault : undefined),
            reboots,
          )
          expect(ended.faults, `${where} ${at} ${fault}`).toBe(1)
        }
    }
  },
)

type Place = 'store' | 'log' | 'source'

/** A rotation with one fault in it, tried again until it is done. */
async function life(
  faultAt: (place: Place, count: number) => Fault | undefined,
  reboots = false,
): Promise<{ faults: number; counts: { commits: number; appends: number; writes: number } }> {
  const root = new PersistentRoot(SECRET)
  const world = await rotated(root)
  const store = world.store as MemoryStore
  const before = { commits: store.commits, appends: world.log.appends, writes: root.writes }
  let faults = 0
  const noting = (fault: Fault | undefined): Fault | undefined => {
    if (fault !== undefined) faults++
    return fault
  }
  store.error = root.error = () => kmsError('KMS_STORE_FAILED', 'injected')
  store.fault = (count) => noting(faultAt('store', count - before.commits))
  world.log.appendFault = (count) => noting(faultAt('log', count - before.appends))
  root.fault = (count) => noting(faultAt('source', count - before.writes))
  const draft = world.draft('rotate-root', { generation: 1 })
  let isDecided = false
  for (let attempt = 0; world.logged(CUSTODY_TYPES.rootSuccession).length === 0 || !isSettled(); attempt++) {
    if (attempt > 5) throw new Error('the rotation never ends')
    try {
      if (!isDecided) await world.decide(draft)
      isDecided = true
      await world.kms.tick()
    } catch (error) {
      if ((error as { action?: string }).action !== 'retry') throw error
      requireOneGeneration()
      if (reboots) await reboot()
    }
  }
  expect(world.logged<KmsCertificate>(PAYLOAD_TYPES.kmsCertificate).length).toBeGreaterThan(1)
  expect(historyOf(world).roots).toHaveLength(1)
  expect(await refusingSteps(world)).toEqual([])
  const counts = {
    commits: store.commits - before.commits,
    appends: world.log.appends - before.appends,
    writes: root.writes - before.writes,
  }
  return { faults, counts }

  function isSettled(): boolean {
    const { state } = world.kms.view
    return state.rotation === undefined && root.kept.length === 1 && state.roots?.length === 1
  }

  /** What seals the store is always within reach of a start. */
  function requireOneGeneration(): void {
    const sealed = toHex(store.sealingKey ?? deriveRoot(SECRET).sealingKey())
    expect(root.kept.map((secret) => toHex(deriveRoot(secret).sealingKey()))).toContain(sealed)
  }

  async function reboot(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      world.root = root.obtain()
      try {
        return void (await world.start())
      } catch (error) {
        if (attempt > 5 || (error as { action?: string }).action !== 'retry') throw error
      }
    }
  }
}

test(
  claim(
    'T15',
    'members share the root secret anew: new custodians open it, and the old shares count no more',
  ),
  async () => {
    const custodians = createCustodians(3)
    const sharing = sharingOf(2, custodians)
    const world = new World()
    world.root = new PersistentRoot(SECRET, sharing).obtain()
    await world.start()
    const first = newestSet(world)
    await expect(world.kms.propose(world.proposal())).rejects.toMatchObject({
      code: 'KMS_WAITING_FOR_CUSTODIANS',
    })
    const strangers = createCustodians(3)
    await expect(world.kms.acknowledgeShare(acknowledgement(first, strangers[0]!))).rejects.toMatchObject({
      code: 'KMS_NOT_AUTHORIZED',
    })
    for (const custodian of custodians.slice(0, 2))
      await world.kms.acknowledgeShare(acknowledgement(first, custodian))
    await world.acceptPolicy(world.proposal())

    const successors = createCustodians(4, 'successor')
    await world.decide(world.draft('custodians', sharingOf(3, successors)))
    await world.kms.tick()
    const second = newestSet(world)
    expect(second).toMatchObject({ generation: 2, threshold: 3, rootKey: first.rootKey })
    expect(
      historyOf(world).shareSet!.document.generation,
      'until enough of the new ones can open theirs',
    ).toBe(1)
    for (const successor of successors.slice(1))
      await world.kms.acknowledgeShare(acknowledgement(second, successor))
    expect(historyOf(world).shareSet!.document.generation).toBe(2)
    const shares = successors
      .slice(0, 3)
      .map(({ keys }, n) => openShare(second, second.shares[n]!, keys.wrap))
    expect(openShareSet(second, shares)).toEqual(SECRET)
    const old = openShare(first, first.shares[0]!, custodians[0]!.keys.wrap)
    expect(() => openShareSet(second, [old, ...shares.slice(1)])).toThrow(
      expect.objectContaining({ code: 'SHARE_FOREIGN' }),
    )
    await expect(world.kms.acknowledgeShare(acknowledgement(first, custodians[2]!))).rejects.toMatchObject({
      code: 'KMS_NOT_AUTHORIZED',
    })
  },
)

test('with custodians a new root key waits until enough of them can open it', async () => {
  const custodians = createCustodians(2)
  const root = new PersistentRoot(SECRET, sharingOf(2, custodians))
  const world = new World()
  world.root = root.obtain()
  await world.start()
  for (const custodian of custodians)
    await world.kms.acknowledgeShare(acknowledgement(newestSet(world), custodian))
  await world.acceptPolicy(world.proposal())
  await rotateRoot(world)
  await world.kms.tick()
  expect(world.logged(CUSTODY_TYPES.rootSuccession), 'nobody could bring it back yet').toEqual([])
  expect(historyOf(world).shareSet!.document.generation).toBe(1)
  expect(await refusingSteps(world)).toEqual([])
  const next = newestSet(world)
  expect(next.generation).toBe(2)
  for (const custodian of custodians) await world.kms.acknowledgeShare(acknowledgement(next, custodian))
  await world.kms.tick()
  const history = historyOf(world)
  expect(history.rootKey).toBe(next.rootKey)
  expect(history.shareSet!.document).toEqual(next)
  const shares = custodians.map(({ keys }, n) => openShare(next, next.shares[n]!, keys.wrap))
  expect(deriveRoot(openShareSet(next, shares)).rootKey).toBe(history.rootKey)
  expect(await refusingSteps(world)).toEqual([])
})
