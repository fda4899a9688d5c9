import {
  areDistinct,
  base64url,
  hex,
  integer,
  label,
  list,
  literal,
  members as mapping,
  object,
  oneOf,
  refine,
  text,
  type Decoder,
} from '../jcs/index.ts'
import { custodianListDecoder } from '../custody/decode.ts'
import { MAX_SHARES, MIN_THRESHOLD } from '../custody/shamir.ts'
import {
  MAX_MEMBERS,
  membersDecoder,
  releaseKeysDecoder,
  rotationPolicyDecoder,
} from '../keyrelease/members.ts'
import { consistentPolicyDecoder } from '../keyrelease/documents.ts'
import {
  MAX_CONSTITUTIONS,
  MAX_MEMBER_JWS_CHARACTERS,
  MAX_OPEN_SECONDS,
  MAX_OWNED_ARTIFACTS,
  MAX_OWNERS,
  MEMBER_JWS_TYPES,
  NOTHING_BEFORE,
  type Ballot,
  type Constitution,
  type Decision,
  type GovernanceRecord,
  type Hold,
  type MemberJwsType,
  type Proposal,
  type ProposalBodies,
  type ProposalKind,
} from './types.ts'

const digest = hex(32)
const time = integer(1)
const count = integer(1, MAX_MEMBERS)
const jws = text(MAX_MEMBER_JWS_CHARACTERS, /^[A-Za-z0-9_.-]+$/)

/** Decodes {@link Constitution}. */
export const constitutionDecoder: Decoder<Constitution> = refine(
  object({
    version: literal(1),
    genesis: digest,
    sequence: integer(1, MAX_CONSTITUTIONS),
    previous: digest,
    members: membersDecoder,
    majorities: mapping<Constitution['majorities']>(
      {
        'key-release-policy': count,
        constitution: count,
        rotate: count,
        resume: count,
        custodians: count,
        'rotate-root': count,
      },
      { owners: count },
    ),
    releaseKeys: releaseKeysDecoder,
    rotation: rotationPolicyDecoder,
    createdAt: time,
  }),
  ({ sequence, previous, genesis, members, majorities, releaseKeys }) => {
    if (!areDistinct(members.map(({ key }) => key))) return 'a member key stands twice'
    if (!areDistinct(members.map(({ name }) => name))) return 'a member name stands twice'
    if (!areDistinct(releaseKeys)) return 'a release key stands twice'
    if ((sequence === 1) !== (previous === genesis)) return 'the first, and no other, follows the genesis'
    return Object.values(majorities).some((majority) => majority > members.length)
      ? 'a majority is larger than the number of members'
      : undefined
  },
)

/** Decodes who may keep content keys of sealed artifacts: the body of a proposal. */
export const ownersDecoder: Decoder<ProposalBodies['owners']> = refine(
  object({
    owners: list(
      object({ name: label(64), key: base64url(32), artifacts: integer(1, MAX_OWNED_ARTIFACTS) }),
      0,
      MAX_OWNERS,
    ),
  }),
  ({ owners }) =>
    areDistinct(owners.map(({ key }) => key)) && areDistinct(owners.map(({ name }) => name))
      ? undefined
      : 'an owner stands twice',
)

const bodies: { [Kind in ProposalKind]: Decoder<ProposalBodies[Kind]> } = {
  'key-release-policy': consistentPolicyDecoder,
  constitution: constitutionDecoder,
  rotate: object({ epoch: integer(1) }),
  resume: object({ hold: digest }),
  custodians: refine(
    object({ threshold: integer(MIN_THRESHOLD, MAX_SHARES), custodians: custodianListDecoder }),
    ({ threshold, custodians }) =>
      threshold > custodians.length ? 'threshold is larger than the number of custodians' : undefined,
  ),
  'rotate-root': object({ generation: integer(1) }),
  owners: ownersDecoder,
}

const kind = oneOf(...(Object.keys(bodies) as ProposalKind[]))

/** Decodes {@link Proposal}. */
export const proposalDecoder: Decoder<Proposal> = (value, path) => {
  const named = kind((value as { kind?: unknown } | null)?.kind, `${path}.kind`)
  const decoder = object({
    version: literal(1),
    genesis: digest,
    constitution: digest,
    kind: literal(named),
    body: bodies[named] as Decoder<ProposalBodies[ProposalKind]>,
    createdAt: time,
    expiresAt: time,
  }) as Decoder<Proposal>
  return refine(decoder, findProposalContradiction)(value, path)
}

function findProposalContradiction(proposal: Proposal): string | undefined {
  const { genesis, constitution, createdAt, expiresAt } = proposal
  if (expiresAt <= createdAt) return 'it is never open'
  if (expiresAt - createdAt > MAX_OPEN_SECONDS) return 'it is open for more than 90 days'
  if (proposal.kind === 'key-release-policy' || proposal.kind === 'constitution') {
    if (proposal.body.genesis !== genesis) return 'it proposes a document of another genesis'
  }
  if (proposal.kind === 'constitution' && proposal.body.previous !== constitution)
    return 'the constitution does not follow the one in force'
  return undefined
}

/** Decodes {@link Ballot}. */
export const ballotDecoder: Decoder<Ballot> = object({
  version: literal(1),
  genesis: digest,
  proposal: digest,
  choice: oneOf('accept', 'reject'),
  castAt: time,
})

/** Decodes {@link Hold}. */
export const holdDecoder: Decoder<Hold> = object({
  version: literal(1),
  genesis: digest,
  reason: label(256),
  createdAt: time,
})

/** First in a chain or linked to one before, never both and never neither. */
function findLinkContradiction(link: { sequence: number; previous: string }): string | undefined {
  return (link.sequence === 1) === (link.previous === NOTHING_BEFORE)
    ? undefined
    : 'the first, and no other, has none before'
}

/** Decodes {@link GovernanceRecord}. */
export const governanceRecordDecoder: Decoder<GovernanceRecord> = refine(
  object({
    version: literal(1),
    genesis: digest,
    sequence: integer(1),
    previous: digest,
    entry: object({ type: oneOf(...(Object.keys(MEMBER_JWS_TYPES) as MemberJwsType[])), jws }),
  }),
  findLinkContradiction,
)

/** Decodes {@link Decision}. */
export const decisionDecoder: Decoder<Decision> = refine(
  object({
    version: literal(1),
    genesis: digest,
    sequence: integer(1),
    previous: digest,
    proposal: jws,
    ballots: list(jws, 1, MAX_MEMBERS),
  }),
  findLinkContradiction,
)
