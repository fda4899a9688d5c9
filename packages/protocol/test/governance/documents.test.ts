import { describe, expect, it } from 'vitest'
import {
  constitutionDecoder,
  decisionDecoder,
  governanceRecordDecoder,
  holdDecoder,
  NOTHING_BEFORE,
  proposalDecoder,
} from '@sotto/protocol/governance'
import type { Decoder } from '@sotto/protocol/jcs'
import { constitution, first, GENESIS, NOW, PROPOSALS, proposalOf } from './members.ts'

const DIGEST = 'ab'.repeat(32)
const CONSTITUTION = constitution(first)
const RECORD = {
  version: 1,
  genesis: GENESIS,
  sequence: 2,
  previous: DIGEST,
  entry: { type: 'hold', jws: 'e30.e30.AA' },
}
const DECISION = {
  version: 1,
  genesis: GENESIS,
  sequence: 2,
  previous: DIGEST,
  proposal: 'e30.e30.AA',
  ballots: ['e30.e30.AA'],
}
const HOLD = { version: 1, genesis: GENESIS, reason: 'image 1.4 leaks', createdAt: NOW }
const twoMembers = first.members.slice(0, 2)

it('every good document is one', () => {
  for (const proposal of Object.values(PROPOSALS)) expect(proposalDecoder(proposal, 'p')).toEqual(proposal)
  expect(constitutionDecoder(CONSTITUTION, 'c')).toEqual(CONSTITUTION)
  expect(governanceRecordDecoder(RECORD, 'r')).toEqual(RECORD)
  expect(decisionDecoder(DECISION, 'd')).toEqual(DECISION)
  expect(holdDecoder(HOLD, 'h')).toEqual(HOLD)
})

const MALFORMED: [string, Decoder<unknown>, unknown][] = [
  ['a proposal of an unknown kind', proposalDecoder, { ...PROPOSALS.rotate, kind: 'refresh' }],
  ['a proposal of an inherited kind', proposalDecoder, { ...PROPOSALS.rotate, kind: 'constructor' }],
  [
    'a proposal with the body of another kind',
    proposalDecoder,
    { ...PROPOSALS.rotate, body: PROPOSALS.resume.body },
  ],
  ['a proposal without an end', proposalDecoder, { ...PROPOSALS.rotate, expiresAt: undefined }],
  [
    'a proposal that ends before it begins',
    proposalDecoder,
    proposalOf('rotate', { epoch: 1 }, { expiresAt: NOW }),
  ],
  [
    'a proposal that is open for 91 days',
    proposalDecoder,
    proposalOf('rotate', { epoch: 1 }, { expiresAt: NOW + 91 * 86_400 }),
  ],
  ['a policy for another KMS', proposalDecoder, { ...PROPOSALS['key-release-policy'], genesis: DIGEST }],
  ['a constitution after another one', proposalDecoder, { ...PROPOSALS.constitution, constitution: DIGEST }],
  [
    'a policy that mixes software and hardware',
    proposalDecoder,
    {
      ...PROPOSALS['key-release-policy'],
      body: {
        ...PROPOSALS['key-release-policy'].body,
        anyOf: [
          { name: 'a', role: 'inference', allOf: [{ family: 'software' }] },
          { name: 'b', role: 'inference', allOf: [{ family: 'sev-snp' }] },
        ],
      },
    },
  ],
  [
    'a single custodian who holds everything',
    proposalDecoder,
    proposalOf('custodians', { threshold: 1, custodians: [] }),
  ],
  ['no proposal at all', proposalDecoder, null],
  ['a list', proposalDecoder, []],
  ['a constitution without members', constitutionDecoder, { ...CONSTITUTION, members: [] }],
  [
    'a constitution with a member key twice',
    constitutionDecoder,
    { ...CONSTITUTION, members: [...twoMembers, { name: 'again', key: twoMembers[0]!.key }] },
  ],
  [
    'a constitution with a member name twice',
    constitutionDecoder,
    { ...CONSTITUTION, members: [twoMembers[0], { ...twoMembers[1], name: twoMembers[0]!.name }] },
  ],
  [
    'a majority of more members than there are',
    constitutionDecoder,
    { ...CONSTITUTION, majorities: { ...CONSTITUTION.majorities, rotate: 4 } },
  ],
  [
    'a majority of nobody: nothing is accepted by itself',
    constitutionDecoder,
    { ...CONSTITUTION, majorities: { ...CONSTITUTION.majorities, rotate: 0 } },
  ],
  [
    'no majority for a kind',
    constitutionDecoder,
    { ...CONSTITUTION, majorities: { ...CONSTITUTION.majorities, rotate: undefined } },
  ],
  ['a first constitution after something', constitutionDecoder, { ...CONSTITUTION, previous: DIGEST }],
  ['a second constitution after the genesis', constitutionDecoder, { ...CONSTITUTION, sequence: 2 }],
  ['a 33rd constitution', constitutionDecoder, { ...CONSTITUTION, sequence: 33, previous: DIGEST }],
  [
    'keys that live two days',
    constitutionDecoder,
    { ...CONSTITUTION, rotation: { ...CONSTITUTION.rotation, rotationSeconds: 172_800 } },
  ],
  [
    'a member key that is no key',
    constitutionDecoder,
    { ...CONSTITUTION, members: [{ name: 'a', key: Buffer.alloc(65, 2).toString('base64url') }] },
  ],
  ['a first record after something', governanceRecordDecoder, { ...RECORD, sequence: 1 }],
  ['a later record after nothing', governanceRecordDecoder, { ...RECORD, previous: NOTHING_BEFORE }],
  [
    'a record of an unknown type',
    governanceRecordDecoder,
    { ...RECORD, entry: { ...RECORD.entry, type: 'refresh' } },
  ],
  [
    'a record with white space in a token',
    governanceRecordDecoder,
    { ...RECORD, entry: { type: 'hold', jws: 'a b' } },
  ],
  ['a decision without ballots', decisionDecoder, { ...DECISION, ballots: [] }],
  [
    'a decision with 17 ballots',
    decisionDecoder,
    { ...DECISION, ballots: Array.from({ length: 17 }, () => 'e30') },
  ],
  ['a hold without a reason', holdDecoder, { ...HOLD, reason: '' }],
  ['a hold whose reason moves the cursor', holdDecoder, { ...HOLD, reason: 'a\u001b[2J' }],
]

describe('a document is refused:', () => {
  it.each(MALFORMED)('%s', (_, decoder, value) => {
    expect(() => decoder(value, 'document')).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(JCS_FIELD|POLICY_INVALID)$/) }),
    )
  })
})
