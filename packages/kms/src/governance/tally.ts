import { majorityOf, type Proposal } from '@sotto/protocol/governance'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { withDecision } from './chain.ts'
import { EXECUTORS, type Executor, type Obstacle } from './execute.ts'
import { inForceOf } from './in-force.ts'
import type { ExecutionTools } from './tools.ts'
import type { CastBallot, ClosedProposal, OpenProposal, Outcome } from './types.ts'

/** How to carry a proposal out. @throws `KMS_PROPOSAL_UNSUPPORTED` */
export function executorOf({ kind }: Proposal): Executor<never> {
  const executor = EXECUTORS[kind]
  if (executor !== undefined) return executor as Executor<never>
  throw kmsError('KMS_PROPOSAL_UNSUPPORTED', 'this KMS cannot do what is proposed', { found: kind })
}

/** Why a proposal can never come true from here, or nothing. */
export function findObstacle(document: Proposal, state: KmsState): Obstacle | undefined {
  const { digest } = inForceOf(state)
  if (document.constitution !== digest) {
    return kmsError('KMS_PROPOSAL_OVERTAKEN', 'it was proposed under another constitution', {
      expected: digest,
      found: document.constitution,
      hint: 'Propose it again.',
    })
  }
  return executorOf(document).findObstacle(document.body as never, state)
}

/** Where the votes stand: the logged ones, and whoever voted besides. */
export function countVotes(
  { document, ballots }: Pick<OpenProposal, 'document' | 'ballots'>,
  state: KmsState,
): { majority: number; accepted: number; canStillPass: boolean } {
  const inForce = inForceOf(state)
  const { members } = inForce
  const majority = majorityOf(inForce, document.kind)
  const of = (choice: CastBallot['choice']): number =>
    ballots.filter((ballot) => ballot.choice === choice).length
  return { majority, accepted: of('accept'), canStillPass: members.length - of('reject') >= majority }
}

/**
 * The state after a ballot of this proposal was logged: decided when enough members accepted it and it can
 * still come true, closed when it no longer can be.
 */
export function tally(state: KmsState, id: Digest, { now, statementKey }: ExecutionTools): KmsState {
  const proposal = state.proposals.get(id)
  if (proposal === undefined) return state
  const logged = { ...proposal, ballots: proposal.ballots.filter(({ index }) => index !== undefined) }
  const { majority, accepted, canStillPass } = countVotes(logged, state)
  if (!canStillPass) return closeProposal(state, id, 'rejected', now)
  if (accepted < majority) return state
  if (findObstacle(proposal.document, state) !== undefined) return closeProposal(state, id, 'overtaken', now)
  return withDecision(state, proposal, statementKey.sign)
}

/** The state without the proposals whose time is over, or that something else overtook. */
export function closeEnded(state: KmsState, now: UnixSeconds): KmsState {
  let next = state
  for (const { id, document } of state.proposals.values()) {
    if (id === state.governance.deciding?.id) continue
    if (findObstacle(document, state) !== undefined) next = closeProposal(next, id, 'overtaken', now)
    else if (document.expiresAt < now) next = closeProposal(next, id, 'expired', now)
  }
  return forgetEnded(next, now)
}

/**
 * Closed proposals are forgotten when their own time is over. The host owns the clock: one that ran ahead must
 * not make room for a copy of what was decided, so the end of what was forgotten is remembered.
 */
function forgetEnded(state: KmsState, now: UnixSeconds): KmsState {
  const { governance } = state
  const closed = governance.closed.filter(({ expiresAt }) => expiresAt >= now)
  if (closed.length === governance.closed.length) return state
  const ends = governance.closed.map(({ expiresAt }) => expiresAt).filter((expiresAt) => expiresAt < now)
  const forgottenUntil = Math.max(governance.forgottenUntil, ...ends)
  return { ...state, governance: { ...governance, closed, forgottenUntil } }
}

/** The state with one proposal closed. */
export function closeProposal(
  state: KmsState,
  id: Digest,
  outcome: Outcome,
  now: UnixSeconds,
  index?: number,
): KmsState {
  const { document, author, ballots } = state.proposals.get(id)!
  const of = (choice: CastBallot['choice']): string[] =>
    ballots.filter((ballot) => ballot.choice === choice).map(({ name }) => name)
  const closed: ClosedProposal = {
    id,
    kind: document.kind,
    author,
    outcome,
    closedAt: now,
    expiresAt: document.expiresAt,
    accepted: of('accept'),
    rejected: of('reject'),
    ...(index !== undefined && { index }),
  }
  const proposals = new Map(state.proposals)
  proposals.delete(id)
  const { governance } = state
  return { ...state, proposals, governance: { ...governance, closed: [...governance.closed, closed] } }
}
