import { type AdmittedOwner, type InForce, majorityOf, type ProposalKind } from '@sotto/protocol/governance'
import type { Digest, LoggedStatement, UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { inForceOf } from './in-force.ts'
import type { ClosedProposal, OpenProposal, StandingHold } from './types.ts'

/** Closed proposals that are listed, newest first; the log has them all. */
const LISTED_CLOSED = 64

/** One open proposal in a list. */
export interface ListedProposal {
  id: Digest
  kind: ProposalKind
  author: string
  createdAt: UnixSeconds
  expiresAt: UnixSeconds
  majority: number
  accepted: string[]
  rejected: string[]
}

/** One open proposal with all that is signed about it. */
export interface ShownProposal extends ListedProposal {
  /** As its author signed it. */
  proposal: string
  /** As their members signed them. */
  ballots: string[]
  releases: LoggedStatement[]
}

/** `GET /v1/proposals`: everything a member needs before proposing or voting. Nothing in it needs to be believed. */
export interface GovernanceDocument {
  genesis: LoggedStatement
  /** Decisions that lead from the genesis to what is in force. */
  governance: LoggedStatement[]
  inForce: InForce
  /** Number of the current key set; 0 before the first. */
  epoch: number
  /** Digest of the policy in force. */
  policy?: Digest
  /** The decision that accepted it. */
  decision?: LoggedStatement
  /** Who may keep content keys here, and how many; the decisions in the log say so too. */
  owners: readonly AdmittedOwner[]
  holds: StandingHold[]
  open: ListedProposal[]
  closed: ClosedProposal[]
}

/** What governance looks like now. */
export function governanceDocument(state: KmsState): GovernanceDocument {
  const { governance, proposals, identity, epoch, policy } = state
  const { envelope, index } = identity!.genesis
  if (index === undefined) throw kmsError('KMS_NOT_READY', 'the genesis is not logged yet')
  return {
    genesis: { envelope, index },
    governance: governance.succession,
    inForce: inForceOf(state),
    epoch: epoch?.number ?? 0,
    ...(policy !== undefined && { policy, decision: state.policies.get(policy)!.statement }),
    owners: state.owners ?? [],
    holds: governance.holds,
    open: [...proposals.values()].map((proposal) => listed(proposal, state)),
    closed: governance.closed.toReversed().slice(0, LISTED_CLOSED),
  }
}

/** `GET /v1/proposals/{id}`. @throws `KMS_PROPOSAL_UNKNOWN` */
export function proposalDocument(state: KmsState, id: string): ShownProposal | ClosedProposal {
  const open = state.proposals.get(id)
  if (open !== undefined) {
    const { token, ballots, releases } = open
    return {
      ...listed(open, state),
      proposal: token,
      ballots: ballots.map((ballot) => ballot.token),
      releases,
    }
  }
  const closed = state.governance.closed.find((one) => one.id === id)
  if (closed !== undefined) return closed
  throw kmsError('KMS_PROPOSAL_UNKNOWN', 'there is no such proposal', { found: id })
}

function listed({ id, document, author, ballots }: OpenProposal, state: KmsState): ListedProposal {
  const of = (choice: string): string[] =>
    ballots.filter((ballot) => ballot.choice === choice).map(({ name }) => name)
  const { kind, createdAt, expiresAt } = document
  return {
    id,
    kind,
    author: author.name,
    createdAt,
    expiresAt,
    majority: majorityOf(inForceOf(state), kind),
    accepted: of('accept'),
    rejected: of('reject'),
  }
}
