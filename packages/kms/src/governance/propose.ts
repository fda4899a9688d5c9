import { list, object, text, type Decoder } from '@sotto/protocol/jcs'
import { MAX_MEMBER_JWS_CHARACTERS, type MemberStatement } from '@sotto/protocol/governance'
import { type LoggedStatement, loggedStatementDecoder } from '@sotto/protocol/keyrelease'
import { kmsError } from '../errors.ts'
import type { KmsState } from '../state/index.ts'
import type { StatementKey } from '../statements/index.ts'
import { requireNotFuture } from './admit.ts'
import { withRecord } from './chain.ts'
import { executorOf, findObstacle } from './tally.ts'
import type { JudgeContext } from './tools.ts'
import type { OpenProposal } from './types.ts'

/** Body of `POST /v1/proposals`. Whoever sends it is unknown; what counts is who signed. */
export interface ProposalRequest {
  /** Compact JWS of a member. */
  proposal: string
  /** For key-release policies, logged release statements: of every tuple, and of the KMS itself for clients to see. */
  releases: LoggedStatement[]
}

const token = text(MAX_MEMBER_JWS_CHARACTERS)

/** Decodes {@link ProposalRequest}; `releases` may be missing. @throws `JCS_FIELD` */
export const proposalRequestDecoder: Decoder<ProposalRequest> = (value, path) => {
  const isBare = typeof value === 'object' && value !== null && !Object.hasOwn(value, 'releases')
  return object<ProposalRequest>({
    proposal: token,
    releases: list(loggedStatementDecoder, 0, MAX_RELEASES),
  })(isBare ? { ...value, releases: [] } : value, path)
}

/** Body of `POST /v1/ballots`. */
export const ballotRequestDecoder: Decoder<{ ballot: string }> = object({ ballot: token })
/** Body of `POST /v1/holds`. */
export const holdRequestDecoder: Decoder<{ hold: string }> = object({ hold: token })

/** A bundle carries no more. */
const MAX_RELEASES = 32
/** Proposals members can vote on at once: of all, and of one member, who cannot keep out the others. */
const MAX_OPEN = 16
const MAX_OPEN_PER_MEMBER = 8
/** Proposals of one member whose time is not over, closed ones included: each is remembered until then. */
const MAX_UNEXPIRED_PER_MEMBER = 64

/** The proposal of this identifier, if it is known already. @throws `KMS_PROPOSAL_CLOSED` */
export function findOpen(state: KmsState, id: string): OpenProposal | undefined {
  const open = state.proposals.get(id)
  if (open !== undefined) return open
  const closed = state.governance.closed.find((one) => one.id === id)
  if (closed === undefined) return undefined
  throw kmsError('KMS_PROPOSAL_CLOSED', `the proposal is closed: ${closed.outcome}`, {
    found: closed.outcome,
  })
}

/**
 * Judges a proposal that a member in force signed. Nothing is accepted by proposing: see `tally`.
 * @returns the transition that opens it
 * @throws `KMS_STATEMENT_TIME`, `KMS_PROPOSALS_FULL`, `KMS_PROPOSAL_OVERTAKEN`, `KMS_PROPOSAL_UNSUPPORTED`,
 * and those of its kind
 */
export async function admitProposal(
  { id, document, member, token: signed }: MemberStatement<'proposal'>,
  releases: LoggedStatement[],
  context: JudgeContext,
): Promise<(state: KmsState, sign: StatementKey['sign']) => KmsState> {
  const { state, now } = context
  requireNotFuture(document.createdAt, now)
  if (document.expiresAt <= Math.max(now, state.governance.forgottenUntil))
    throw kmsError('KMS_STATEMENT_TIME', 'the time to vote on it is over', { found: `${document.expiresAt}` })
  requireRoom(state, member.key)
  const obstacle = findObstacle(document, state)
  if (obstacle !== undefined) throw obstacle
  if (document.kind !== 'key-release-policy' && releases.length > 0)
    throw kmsError('KMS_REQUEST_MALFORMED', 'release statements belong to a key-release policy')
  await executorOf(document).judge?.(document.body as never, releases, context)
  const proposal: OpenProposal = { id, token: signed, document, author: member, releases, ballots: [] }
  return (before, sign) =>
    withRecord(
      { ...before, proposals: new Map(before.proposals).set(id, proposal) },
      { type: 'proposal', jws: signed },
      { type: 'proposal', id },
      sign,
    )
}

function requireRoom({ proposals, governance }: KmsState, key: string): void {
  const open = [...proposals.values()]
  const own = open.filter(({ author }) => author.key === key).length
  const closed = governance.closed.filter(({ author }) => author.key === key).length
  // A member without an open one always finds room: those who filled it must not keep out who would end that.
  const hasRoom = open.length < MAX_OPEN || own === 0
  if (hasRoom && own < MAX_OPEN_PER_MEMBER && own + closed < MAX_UNEXPIRED_PER_MEMBER) return
  throw kmsError('KMS_PROPOSALS_FULL', 'too many proposals are open, or of this member not over yet', {
    expected: `fewer than ${MAX_OPEN}, of one member ${MAX_OPEN_PER_MEMBER}, closed ones included ${MAX_UNEXPIRED_PER_MEMBER}`,
    found: `${open.length}, ${own}, ${own + closed}`,
  })
}
