import type { Ballot, InForce, Proposal, ProposalKind } from '@sotto/protocol/governance'
import type { Digest, LoggedStatement, MemberKey, UnixSeconds } from '@sotto/protocol/keyrelease'

/** End of a chain of statements: what the next one names. */
export interface ChainEnd {
  /** 0 before the first. */
  sequence: number
  digest: Digest
}

/** One member's vote. */
export interface CastBallot {
  key: MemberKey
  name: string
  choice: Ballot['choice']
  castAt: UnixSeconds
  /** As the member signed it. */
  token: string
  /** Of its record; missing until the log holds it. It counts from then on. */
  index?: number
}

/** A proposal members can vote on. */
export interface OpenProposal {
  id: Digest
  /** As its author signed it. */
  token: string
  document: Proposal
  author: { name: string; key: MemberKey }
  /** Release statements that a key-release policy rests on; none for other kinds. */
  releases: LoggedStatement[]
  ballots: CastBallot[]
  /** Of its record; missing until the log holds it. */
  index?: number
}

/** How a proposal ended. */
export type Outcome = 'accepted' | 'rejected' | 'expired' | 'overtaken'

/** What is remembered of a proposal that ended, until its own time is over: it can never be opened again. */
export interface ClosedProposal {
  id: Digest
  kind: ProposalKind
  author: { name: string; key: MemberKey }
  outcome: Outcome
  closedAt: UnixSeconds
  expiresAt: UnixSeconds
  accepted: string[]
  rejected: string[]
  /** Of the decision, for an accepted one. */
  index?: number
}

/** A hold in force. */
export interface StandingHold {
  id: Digest
  member: { name: string; key: MemberKey }
  reason: string
  createdAt: UnixSeconds
  /** Of its record; missing until the log holds it. It is in force at once. */
  index?: number
}

/** A record that is written down before the log is asked to take it. */
export interface WaitingRecord {
  envelope: string
  of:
    | { type: 'proposal'; id: Digest }
    | { type: 'hold'; id: Digest }
    | { type: 'ballot'; id: Digest; key: MemberKey }
}

/** All about governance that is not an open proposal. */
export interface Governance {
  /** What is in force instead of the genesis. */
  inForce?: InForce
  /** Decisions that led there, oldest first. */
  succession: LoggedStatement[]
  /** The newest record and the newest decision, those that the log does not hold yet included. */
  records: ChainEnd
  decisions: ChainEnd
  waiting: WaitingRecord[]
  /** An open proposal that is decided: its decision is written down and not logged yet. */
  deciding?: { id: Digest; envelope: string }
  closed: ClosedProposal[]
  /** Latest end of a closed proposal that is remembered no more: one that ends by then may be a copy. */
  forgottenUntil: UnixSeconds
  holds: StandingHold[]
  /** When each member's newest hold was made: an older one is a copy. */
  lastHolds: Readonly<Record<MemberKey, UnixSeconds>>
}
