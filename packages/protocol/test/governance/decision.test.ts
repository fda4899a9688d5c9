import { expect, describe, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  type Ballot,
  constitutionInForce,
  type Decision,
  followConstitutions,
  type InForce,
  MAX_MEMBER_JWS_CHARACTERS,
  type MemberSigner,
  memberSigner,
  parseMemberJws,
  type Proposal,
  signMemberJws,
  verifyDecision,
} from '@sotto/protocol/governance'
import { documentDigest, MAX_MEMBERS, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import {
  alice,
  ballotOn,
  bob,
  carol,
  constitution,
  decisionOn,
  first,
  GENESIS,
  inEnvelope,
  mallory,
  NAMES,
  NOW,
  policy,
  proposalOf,
  PROPOSALS,
} from './members.ts'

const code = (name: string): unknown => expect.objectContaining({ code: name })
const POLICY = PROPOSALS['key-release-policy']

describe('a decision', () => {
  it.each(Object.values(PROPOSALS))('about $kind proves itself from the ballots in it', (proposal) => {
    const decision = verifyDecision(decisionOn(proposal, [bob, carol]), [first])
    expect(decision).toMatchObject({ proposal, id: documentDigest(proposal), author: { name: 'alice' } })
    expect(decision.accepted.map(({ name }) => name)).toEqual(['bob', 'carol'])
  })

  it('may have more ballots than it takes, and an author who did not vote', () => {
    expect(verifyDecision(decisionOn(POLICY, [alice, bob, carol]), [first]).accepted).toHaveLength(3)
  })

  it('takes as many as its kind takes: one member rotates', () => {
    expect(verifyDecision(decisionOn(PROPOSALS.rotate, [carol]), [first]).accepted).toHaveLength(1)
  })
})

const other = proposalOf('rotate', { epoch: 4 })
const ballot = (by: MemberSigner, change: Partial<Ballot> = {}): string =>
  signMemberJws('ballot', ballotOn(POLICY, change), by)
const withBallots = (...ballots: string[]): Uint8Array => decisionOn(POLICY, [], { ballots })

const REFUSED: [string, Uint8Array, string][] = [
  ['fewer ballots than the majority', decisionOn(POLICY, [bob]), 'GOVERNANCE_UNDECIDED'],
  ['one member twice', decisionOn(POLICY, [bob, bob]), 'GOVERNANCE_UNDECIDED'],
  [
    'one member twice, with different bytes',
    withBallots(ballot(carol), ballot(carol, { castAt: NOW + 6 })),
    'GOVERNANCE_UNDECIDED',
  ],
  ['somebody who is no member', decisionOn(POLICY, [bob, mallory]), 'GOVERNANCE_SIGNATURE'],
  [
    'enough members and somebody who is none',
    decisionOn(POLICY, [bob, carol, mallory]),
    'GOVERNANCE_SIGNATURE',
  ],
  [
    'a rejecting ballot',
    withBallots(ballot(bob), ballot(carol, { choice: 'reject' })),
    'GOVERNANCE_UNDECIDED',
  ],
  [
    'a ballot on another proposal',
    withBallots(ballot(bob), signMemberJws('ballot', ballotOn(other), carol)),
    'GOVERNANCE_UNDECIDED',
  ],
  [
    'a ballot cast for another KMS',
    withBallots(ballot(bob), ballot(carol, { genesis: '11'.repeat(32) })),
    'GOVERNANCE_UNDECIDED',
  ],
  [
    'a ballot cast too late',
    withBallots(ballot(bob), ballot(carol, { castAt: NOW + 1001 })),
    'GOVERNANCE_UNDECIDED',
  ],
  [
    'a proposal in the place of a ballot',
    withBallots(ballot(bob), signMemberJws('proposal', POLICY, carol)),
    'GOVERNANCE_MALFORMED',
  ],
  [
    'a proposal nobody of the members made',
    decisionOn(POLICY, [bob, carol], { proposal: signMemberJws('proposal', POLICY, mallory) }),
    'GOVERNANCE_SIGNATURE',
  ],
  ['another genesis', decisionOn(POLICY, [bob, carol], { genesis: '22'.repeat(32) }), 'GOVERNANCE_UNDECIDED'],
  [
    'a proposal for another KMS, however it is signed',
    decisionOn({ ...PROPOSALS.rotate, genesis: '22'.repeat(32) } as Proposal, [bob]),
    'GOVERNANCE_UNDECIDED',
  ],
  ['no ballot', decisionOn(POLICY, []), 'GOVERNANCE_MALFORMED'],
  ['another payload type', inEnvelope({}, PAYLOAD_TYPES.governance), 'GOVERNANCE_MALFORMED'],
  ['no document', inEnvelope({}), 'GOVERNANCE_MALFORMED'],
  ['no envelope', new Uint8Array(3), 'GOVERNANCE_MALFORMED'],
]

describe('a decision is refused', () => {
  it.each(REFUSED)(claim('T2', 'with %s'), (_, envelope, expected) => {
    expect(() => verifyDecision(envelope, [first])).toThrow(code(expected))
  })
})

/** Bob is replaced by Mallory, who is a member from then on. */
const members = first.members.map((member) =>
  member.name === 'bob' ? { name: 'mallory', key: mallory.key } : member,
)
const second: InForce = constitutionInForce(constitution(first, { members }))
const toSecond = proposalOf('constitution', constitution(first, { members }))

describe('a constitution', () => {
  it('is in force when members of the one before accepted it', () => {
    expect(followConstitutions(first, [])).toEqual([first])
    expect(followConstitutions(first, [decisionOn(toSecond, [alice, bob])])).toEqual([first, second])
  })

  it('is not accepted by those it would make members', () => {
    expect(() => followConstitutions(first, [decisionOn(toSecond, [alice, mallory])])).toThrow(
      code('GOVERNANCE_SIGNATURE'),
    )
  })

  it('leaves a member who was replaced without a say, and what was decided before as it was', () => {
    const policyOf = (constitutionDigest: string): Proposal =>
      proposalOf('key-release-policy', policy, { constitution: constitutionDigest })
    const chain = [first, second]
    const old = verifyDecision(decisionOn(policyOf(first.digest), [alice, bob]), chain)
    expect(old.accepted.map(({ name }) => name)).toEqual(['alice', 'bob'])
    const now = policyOf(second.digest)
    expect(verifyDecision(decisionOn(now, [alice, mallory]), chain).accepted).toHaveLength(2)
    expect(() => verifyDecision(decisionOn(now, [alice, bob]), chain)).toThrow(code('GOVERNANCE_SIGNATURE'))
  })

  it('does not count ballots that were cast under another one', () => {
    // Alice and Carol are members under both; what they signed names the first.
    const proposal = proposalOf('rotate', { epoch: 3 })
    expect(() => verifyDecision(decisionOn(proposal, [alice, carol]), [second])).toThrow(
      code('GOVERNANCE_UNDECIDED'),
    )
  })

  it('is refused out of order, twice, or as something else', () => {
    const decision = decisionOn(toSecond, [alice, bob])
    const third = constitution(second, { rotation: { ...first.rotation, graceSeconds: 1 } })
    const toThird = proposalOf('constitution', third, { constitution: second.digest })
    const next = (change: Partial<Decision>): Uint8Array =>
      decisionOn(toThird, [alice, mallory], { previous: 'ab'.repeat(32), ...change })
    expect(followConstitutions(first, [decision, next({ sequence: 5 })])).toHaveLength(3)
    for (const [chain, expected] of [
      [[decision, decision], 'GOVERNANCE_UNDECIDED'],
      [[next({ sequence: 5 })], 'GOVERNANCE_UNDECIDED'],
      [[next({ sequence: 5 }), decision], 'GOVERNANCE_UNDECIDED'],
      [[decision, decisionOn(toThird, [alice, mallory])], 'GOVERNANCE_SUCCESSION'],
      [[decisionOn(PROPOSALS.rotate, [alice])], 'GOVERNANCE_SUCCESSION'],
      [
        [
          decisionOn(proposalOf('constitution', constitution(first, { sequence: 2, previous: GENESIS })), [
            alice,
            bob,
          ]),
        ],
        'GOVERNANCE_MALFORMED',
      ],
    ] as const)
      expect(() => followConstitutions(first, chain)).toThrow(code(expected))
  })
})

it('the largest decision there is fits one log entry', () => {
  const signers = Array.from({ length: MAX_MEMBERS }, (_, n) =>
    memberSigner('ES256', new Uint8Array(32).fill(n + 1)),
  )
  const proposal = 'A'.repeat(MAX_MEMBER_JWS_CHARACTERS)
  const ballots = signers.map((signer) =>
    signMemberJws('ballot', ballotOn(POLICY, { castAt: 9_999_999_999 }), signer),
  )
  const decision = { version: 1, genesis: GENESIS, sequence: 2 ** 52, previous: GENESIS, proposal, ballots }
  expect(inEnvelope(decision).length).toBeLessThanOrEqual(65_535)
  const record = {
    version: 1,
    genesis: GENESIS,
    sequence: 2 ** 52,
    previous: GENESIS,
    entry: { type: 'proposal', jws: proposal },
  }
  expect(inEnvelope(record).length).toBeLessThanOrEqual(65_535)
})

it('names are not keys: everybody in a test is somebody else', () => {
  expect(new Set([...NAMES.keys(), mallory].map(({ key }) => key)).size).toBe(4)
  expect(parseMemberJws(ballot(bob), 'ballot').key).toBe(bob.key)
  expect(fromUtf8(decisionOn(POLICY, [bob]))).not.toContain(bob.key)
})
