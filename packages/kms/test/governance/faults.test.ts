import { toBase64Url } from '@sotto/protocol/bytes'
import type { Decision, GovernanceRecord } from '@sotto/protocol/governance'
import { documentDigest, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { disturb, FaultDrill, type Recovery } from '../fault-drill.ts'
import { type Draft, signer, World } from '../world.ts'

const NEWCOMER = signer(44)

/** Members' business of every kind that needs nothing else. */
class Life extends FaultDrill {
  constructor(recovery: Recovery) {
    super(recovery, new World({ suites: ['X25519'] }))
  }

  async run(): Promise<void> {
    const { world } = this
    await this.step(() => world.start())
    const hold = world.hold()
    await this.step(() => world.kms.hold(hold))
    const resume = world.draft('resume', { hold: world.kms.view.state.governance.holds[0]!.id })
    await this.step(() => world.decide(resume))
    const members = [
      ...world.inForce.members.slice(0, 2),
      { name: 'new', key: toBase64Url(NEWCOMER.publicKey) },
    ]
    const constitution = world.draft('constitution', world.constitution({ members }))
    await this.step(() => world.decide(constitution))
    const rejected: Draft = world.proposal()
    await this.step(() => world.kms.propose(rejected))
    for (const member of [world.members[0]!, NEWCOMER]) {
      const ballot = world.ballot(rejected.id, member, 'reject')
      await this.step(() => world.kms.vote(ballot))
    }
    await this.step(() => world.start())
    await this.step(() => world.kms.tick())
    expect(world.inForce.members.at(-1)!.name).toBe('new')
    const { governance, proposals } = world.kms.view.state
    expect(governance.holds).toEqual([])
    expect(governance.waiting).toEqual([])
    expect(governance.deciding).toBeUndefined()
    expect(governance.succession).toHaveLength(1)
    expect(proposals.size).toBe(0)
    expect(governance.closed.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'rejected'])
  }

  /** One unbroken history, every statement in it once, every decision once. */
  async verify(): Promise<void> {
    const of = <T>(type: string): T[] => this.world.logged<T>(type).map(({ document }) => document)
    const records = of<GovernanceRecord>(PAYLOAD_TYPES.governance)
    const decisions = of<Decision>(PAYLOAD_TYPES.decision)
    for (const chain of [records, decisions]) {
      chain.forEach((link, n) => {
        expect(link.sequence).toBe(n + 1)
        expect(link.previous).toBe(n === 0 ? '0'.repeat(64) : documentDigest(chain[n - 1]!))
      })
    }
    const tokens = records.map(({ entry }) => entry.jws)
    expect(new Set(tokens).size).toBe(tokens.length)
    expect(records.map(({ entry }) => entry.type).join(' ')).toBe(
      `hold${' proposal ballot ballot'.repeat(3)}`,
    )
    expect(decisions).toHaveLength(2)
  }
}

const begin = (recovery: Recovery): Life => new Life(recovery)

test(
  claim('governance', 'a store that breaks at any one write loses no vote and decides nothing twice'),
  { timeout: 300_000 },
  // A hold that is durable is not refused because noting its record failed.
  () => disturb({ begin, write: 'commit', atLeast: 20, failures: 'at-most-once' }),
)

test(
  claim('governance', 'a log that breaks at any one append loses no vote and decides nothing twice'),
  { timeout: 300_000 },
  // A hold is not refused because the log is away.
  () => disturb({ begin, write: 'append', failures: 'at-most-once' }),
)
