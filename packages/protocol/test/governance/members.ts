import { signDsse } from '@sotto/protocol/dsse'
import {
  type Ballot,
  type Constitution,
  type Decision,
  genesisInForce,
  type InForce,
  type MemberSigner,
  memberSigner,
  NOTHING_BEFORE,
  type Proposal,
  type ProposalBodies,
  type ProposalKind,
  signMemberJws,
} from '@sotto/protocol/governance'
import { documentDigest, encodeDocument, type Genesis, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { DOCUMENTS } from '../keyrelease/documents.ts'

const secret = (n: number): Uint8Array => new Uint8Array(32).fill(n)

/** Two with Ed25519 keys, one with a P-256 key, and somebody who is no member. */
export const [alice, bob, carol, mallory] = [
  memberSigner('EdDSA', secret(1)),
  memberSigner('EdDSA', secret(2)),
  memberSigner('ES256', secret(3)),
  memberSigner('EdDSA', secret(4)),
] as const
export const NAMES: ReadonlyMap<MemberSigner, string> = new Map([
  [alice, 'alice'],
  [bob, 'bob'],
  [carol, 'carol'],
])
export const NOW = 1_790_000_000

export const genesis: Genesis = {
  ...(DOCUMENTS['genesis']!.good as Genesis),
  members: [...NAMES].map(([{ key }, name]) => ({ name, key })),
  threshold: 2,
}
export const GENESIS: string = documentDigest(genesis)
export const first: InForce = genesisInForce(genesis, GENESIS)

export const policy: ProposalBodies['key-release-policy'] = {
  version: 1,
  genesis: GENESIS,
  anyOf: [
    { name: 'inference', role: 'inference', allOf: [{ family: 'software', roots: ['ab'.repeat(32)] }] },
  ],
  evidenceMaxAgeSeconds: 3600,
  createdAt: NOW,
}

export function constitution(before: InForce, change: Partial<Constitution> = {}): Constitution {
  const { genesis: of, digest, sequence, members, majorities, releaseKeys, rotation } = before
  return {
    version: 1,
    genesis: of,
    sequence: sequence + 1,
    previous: digest,
    members,
    majorities,
    releaseKeys,
    rotation,
    createdAt: NOW,
    ...change,
  }
}

export function proposalOf<Kind extends ProposalKind>(
  kind: Kind,
  body: ProposalBodies[Kind],
  change: Partial<Proposal> = {},
): Proposal {
  return {
    version: 1,
    genesis: GENESIS,
    constitution: first.digest,
    kind,
    body,
    createdAt: NOW,
    expiresAt: NOW + 1000,
    ...change,
  } as Proposal
}

export const PROPOSALS: { [Kind in ProposalKind]: Proposal } = {
  'key-release-policy': proposalOf('key-release-policy', policy),
  constitution: proposalOf('constitution', constitution(first)),
  rotate: proposalOf('rotate', { epoch: 3 }),
  resume: proposalOf('resume', { hold: 'cd'.repeat(32) }),
  custodians: proposalOf('custodians', {
    threshold: 2,
    custodians: [1, 2].map((n) => ({
      name: `c${n}`,
      key: Buffer.from(new Uint8Array(1248).fill(n)).toString('base64url'),
    })),
  }),
  'rotate-root': proposalOf('rotate-root', { generation: 1 }),
  owners: proposalOf('owners', {
    owners: [1, 2].map((n) => ({
      name: `o${n}`,
      key: Buffer.from(secret(n)).toString('base64url'),
      artifacts: n,
    })),
  }),
}

export function ballotOn(proposal: Proposal, change: Partial<Ballot> = {}): Ballot {
  return {
    version: 1,
    genesis: GENESIS,
    proposal: documentDigest(proposal),
    choice: 'accept',
    castAt: NOW + 5,
    ...change,
  }
}

/** A decision as a KMS makes one: whose key is around it proves nothing. */
export function decisionOn(
  proposal: Proposal,
  voters: readonly MemberSigner[],
  change: Partial<Decision> = {},
  ballot: Partial<Ballot> = {},
): Uint8Array {
  const decision: Decision = {
    version: 1,
    genesis: GENESIS,
    sequence: 1,
    previous: NOTHING_BEFORE,
    proposal: signMemberJws('proposal', proposal, alice),
    ballots: voters.map((voter) => signMemberJws('ballot', ballotOn(proposal, ballot), voter)),
    ...change,
  }
  return inEnvelope(decision)
}

const kms = { secretSeed: secret(9), publicKey: new Uint8Array(32) }

export function inEnvelope(decision: object, type: string = PAYLOAD_TYPES.decision): Uint8Array {
  return signDsse(type, encodeDocument(decision), [kms])
}
