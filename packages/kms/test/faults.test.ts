import { fromBase64Url, fromUtf8, toHex } from '@sotto/protocol/bytes'
import type { Decision } from '@sotto/protocol/governance'
import { kemById } from '@sotto/protocol/hpke'
import { documentDigest, type KeySet, PAYLOAD_TYPES, type ReleaseResponse } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { disturb, FaultDrill, type Recovery } from './fault-drill.ts'
import { Enclave, payloadOf, seed, World } from './world.ts'

const HOUR = 3600
const ARTIFACT = 'ab'.repeat(16)
/** A life of a KMS in which every kind of write happens. */
class Life extends FaultDrill {
  constructor(recovery: Recovery) {
    super(recovery, new World())
  }

  async run(): Promise<void> {
    const { world } = this
    await this.step(() => world.start())
    const first = world.proposal()
    await this.step(() => world.acceptPolicy(first))
    const owners = world.draft('owners', { owners: [world.owner()] })
    await this.step(() => world.decide(owners))
    await this.release([])
    world.now += 19 * HOUR
    await this.step(() => world.kms.tick())
    await this.step(() => world.kms.importArtifact(ARTIFACT, world.artifactImport(ARTIFACT, seed(42))))
    await this.release([ARTIFACT])
    const second = world.proposal(world.policy({ createdAt: world.now, evidenceMaxAgeSeconds: 7200 }))
    await this.step(() => world.acceptPolicy(second))
    await this.rotate()
    world.now += 26 * HOUR
    await this.step(() => world.kms.tick())
    await this.step(() => world.start())
    await this.release([ARTIFACT])
    const decision = world.kms.view.state.policies.get(world.kms.view.state.policy!)!.statement.envelope
    expect(payloadOf<Decision>(decision).proposal).toBe(second.proposal)
  }

  /** A member gives up when the epoch has moved on: then somebody rotated, perhaps this very request. */
  async rotate(): Promise<void> {
    const { world } = this
    const before = world.keySet.epoch
    const draft = world.rotation()
    await this.step(() =>
      world.rotate(draft).catch((error: { code?: string; found?: string }) => {
        if (error.code !== 'KMS_EPOCH_CONFLICT' && error.found !== 'overtaken') throw error
      }),
    )
    expect(world.keySet.epoch).toBeGreaterThan(before)
  }

  async release(artifacts: string[]): Promise<void> {
    const { world } = this
    const enclave = new Enclave(world.workload)
    await this.step(async () => {
      const request = await enclave.request(world, { artifacts })
      const response = await world.kms.release(request)
      this.check(response, enclave.open(request, response, world.genesis))
    })
  }

  /** Every key released is the private half of one in the logged set it came with. */
  check(response: ReleaseResponse, released: ReturnType<Enclave['open']>): void {
    const { log } = this.world
    for (const { envelope, index } of [response.keySet, response.policy, response.receipt]) {
      expect(fromUtf8(log.entries[index]!)).toBe(envelope)
    }
    const { keys } = payloadOf<KeySet>(response.keySet.envelope)
    expect(released.keys.length).toBeGreaterThan(0)
    for (const { keyId, privateKey } of released.keys) {
      const config = fromBase64Url(keys.find((key) => key.keyId === keyId)!.config)
      const kem = kemById((config[1]! << 8) | config[2]!)
      const { publicKey } = kem.importPrivate(fromBase64Url(privateKey))
      expect(toHex(config)).toContain(toHex(publicKey))
    }
    for (const artifact of released.artifacts) expect(fromBase64Url(artifact.contentKey)).toEqual(seed(42))
  }

  /** What must hold whatever went wrong on the way. */
  async verify(): Promise<void> {
    const { world } = this
    const sets = world.logged<KeySet>(PAYLOAD_TYPES.keySet).map(({ document }) => document)
    expect(
      sets.map(({ epoch }) => epoch),
      'one set per epoch, none missing',
    ).toEqual(sets.map((_, n) => n + 1))
    sets.forEach((set, n) => {
      expect(set.previous).toBe(n === 0 ? '0'.repeat(64) : documentDigest(sets[n - 1]!))
    })
    const configs = new Map<number, string>()
    for (const { keyId, config } of sets.flatMap(({ keys }) => keys)) {
      expect(configs.get(keyId) ?? config, `identifier ${keyId} names one key`).toBe(config)
      configs.set(keyId, config)
    }
    expect(world.logged(PAYLOAD_TYPES.genesis)).toHaveLength(1)
    for (const type of [PAYLOAD_TYPES.governance, PAYLOAD_TYPES.decision]) {
      const chain = world.logged<{ sequence: number; previous: string }>(type).map(({ document }) => document)
      expect(
        chain.map(({ sequence }) => sequence),
        'one record after the other, none twice',
      ).toEqual(chain.map((_, n) => n + 1))
      chain.forEach(({ previous }, n) => {
        expect(previous).toBe(n === 0 ? '0'.repeat(64) : documentDigest(chain[n - 1]!))
      })
    }
    const { proposals, governance } = world.kms.view.state
    expect(proposals.size).toBe(0)
    expect(governance.waiting).toEqual([])
    expect(governance.deciding).toBeUndefined()
    expect(sets.at(-1)).toEqual(world.keySet)
    const held = [...world.kms.view.state.keys.keys()]
    expect(held.toSorted()).toEqual([...world.kms.view.state.epoch!.keyIds].toSorted())
    expect((await this.store.readAll()).some(({ table }) => table === 'key')).toBe(false)
    expect(world.kms.view.state.pending).toBeUndefined()
  }
}

const begin = (recovery: Recovery): Life => new Life(recovery)

test('a store that breaks at any one write loses nothing and repeats nothing', { timeout: 300_000 }, () =>
  disturb({ begin, write: 'commit', atLeast: 12 }),
)

test('a log that breaks at any one append loses nothing and repeats nothing', { timeout: 300_000 }, () =>
  disturb({ begin, write: 'append' }),
)

test('a log that is away while a policy is accepted: the votes count once it is back', async () => {
  const world = new World()
  await world.start()
  const draft = world.proposal()
  const append = world.log.appends
  // The proposal, two ballots, the decision, and then the key set.
  world.log.appendFault = (call) => (call === append + 4 ? 'not-persisted' : undefined)
  await expect(world.acceptPolicy(draft)).rejects.toMatchObject({
    code: 'LOG_UNREACHABLE',
    action: 'retry',
  })
  expect(await world.refusal('/v1/keys')).toBe('KMS_NO_POLICY')
  await world.kms.tick()
  expect(world.keySet.epoch).toBe(1)
  expect(payloadOf<Decision>((await world.acceptPolicy(draft)).policy.envelope).proposal).toBe(draft.proposal)
  expect(world.keySet.epoch).toBe(1)
})
