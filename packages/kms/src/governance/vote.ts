import type { MemberStatement } from '@sotto/protocol/governance'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import { requireNotFuture } from './admit.ts'
import { withRecord } from './chain.ts'
import { findOpen } from './propose.ts'
import { countVotes, executorOf, findObstacle } from './tally.ts'
import type { ExecutionTools } from './tools.ts'
import type { CastBallot } from './types.ts'

/**
 * Judges a ballot that a member in force signed. A member has one vote on a proposal: the same one again
 * changes nothing, whatever its bytes, and another one is refused.
 * @returns the transition that notes it; nothing for a vote that was cast before
 * @throws `KMS_PROPOSAL_UNKNOWN`, `KMS_PROPOSAL_CLOSED`, `KMS_STATEMENT_TIME`, `KMS_BALLOT_CAST`, and what the
 * kind of proposal has to wait for
 */
export function admitBallot(
  { document: ballot, member, token }: MemberStatement<'ballot'>,
  state: KmsState,
  tools: ExecutionTools,
): ((state: KmsState) => KmsState) | undefined {
  const proposal = findOpen(state, ballot.proposal)
  if (proposal === undefined)
    throw kmsError('KMS_PROPOSAL_UNKNOWN', 'there is no such proposal', { found: ballot.proposal })
  const before = proposal.ballots.find(({ key }) => key === member.key)
  if (before !== undefined) {
    if (before.choice === ballot.choice) return undefined
    throw kmsError('KMS_BALLOT_CAST', 'this member has voted, and otherwise', { found: before.choice })
  }
  requireNotFuture(ballot.castAt, tools.now)
  const obstacle = findObstacle(proposal.document, state)
  if (obstacle !== undefined) throw obstacle
  if (Math.max(ballot.castAt, tools.now) > proposal.document.expiresAt)
    throw kmsError('KMS_STATEMENT_TIME', 'the time to vote on it is over', {
      found: `${proposal.document.expiresAt}`,
    })
  const { key, name } = member
  const cast: CastBallot = { key, name, choice: ballot.choice, castAt: ballot.castAt, token }
  const voted = { ...proposal, ballots: [...proposal.ballots, cast] }
  const { accepted, majority } = countVotes(voted, state)
  if (accepted >= majority)
    executorOf(proposal.document).requireReady?.(proposal.document.body as never, state, tools)
  return (next) =>
    withRecord(
      { ...next, proposals: new Map(next.proposals).set(proposal.id, voted) },
      { type: 'ballot', jws: token },
      { type: 'ballot', id: proposal.id, key },
      tools.statementKey.sign,
    )
}

/** Whether a closed proposal has this very vote: whoever lost the answer may ask again. */
export function hasEndedWith(
  { governance }: KmsState,
  { document: { proposal, choice }, member }: MemberStatement<'ballot'>,
): boolean {
  const closed = governance.closed.find(({ id }) => id === proposal)
  return closed?.[choice === 'accept' ? 'accepted' : 'rejected'].includes(member.name) === true
}
