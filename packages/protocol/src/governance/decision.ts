import { parseDsse } from '../dsse/index.ts'
import { decodeDocument, documentDigest } from '../keyrelease/documents.ts'
import { PAYLOAD_TYPES, type Digest, type Member } from '../keyrelease/types.ts'
import { decisionDecoder } from './decode.ts'
import { governanceError } from './errors.ts'
import { majorityOf } from './majority.ts'
import { parseMemberJws, verifyMemberJws } from './jws.ts'
import type { Ballot, Decision, InForce, Proposal } from './types.ts'

/** A decision that proved itself. */
export interface VerifiedDecision {
  proposal: Proposal
  /** Of the proposal. */
  id: Digest
  author: Member
  accepted: Member[]
  sequence: number
  /** Of the decision. */
  digest: Digest
}

/** Structure of a decision in its envelope. Nothing is proven. @throws `GOVERNANCE_MALFORMED` (fix-input) */
export function parseDecision(envelope: Uint8Array): { decision: Decision; digest: Digest } {
  try {
    const { payloadType, payload } = parseDsse(envelope)
    if (payloadType !== PAYLOAD_TYPES.decision) throw new Error(`its type is ${payloadType}`)
    return {
      decision: decodeDocument(payload, decisionDecoder, 'decision'),
      digest: documentDigest(payload),
    }
  } catch (cause) {
    throw governanceError('GOVERNANCE_MALFORMED', 'this is not a decision', { cause })
  }
}

/**
 * Proves a decision from the ballots in it: enough distinct members of the constitution that its proposal
 * names accepted exactly this proposal, in its time. Who put the ballots together proves nothing and is not
 * asked: the envelope's own signature is not verified here.
 *
 * @param constitutions those the caller has reason to trust, see `followConstitutions`
 * @throws `GOVERNANCE_MALFORMED` (fix-input); `GOVERNANCE_SIGNATURE`, `GOVERNANCE_UNDECIDED` (stop)
 */
export function verifyDecision(envelope: Uint8Array, constitutions: readonly InForce[]): VerifiedDecision {
  const { decision, digest } = parseDecision(envelope)
  const { document: proposal, ...unverified } = parseMemberJws(decision.proposal, 'proposal')
  const inForce = constitutions.find((one) => one.digest === proposal.constitution)
  if (inForce === undefined)
    throw undecided(
      'the proposal was made under another constitution',
      constitutions.map((one) => one.digest).join(' or '),
      proposal.constitution,
    )
  requireGenesis(inForce, decision.genesis)
  requireGenesis(inForce, proposal.genesis)
  const { member: author, id } = verifyMemberJws({ ...unverified, document: proposal }, inForce.members)
  const accepted: Member[] = []
  for (const token of decision.ballots) {
    const { member, document } = verifyMemberJws(parseMemberJws(token, 'ballot'), inForce.members)
    const defect =
      findBallotDefect(document, { id, proposal }) ??
      (accepted.includes(member) ? 'counted twice' : undefined)
    if (defect !== undefined) throw undecided('a ballot does not count', 'an accepting ballot', defect)
    accepted.push(member)
  }
  const majority = majorityOf(inForce, proposal.kind)
  if (accepted.length < majority)
    throw undecided(
      'too few members accepted it',
      `${majority} of ${inForce.members.length}`,
      `${accepted.length}`,
    )
  return { proposal, id, author, accepted, sequence: decision.sequence, digest }
}

/** Why a ballot does not accept this proposal, or nothing. */
function findBallotDefect(
  ballot: Ballot,
  { id, proposal }: { id: Digest; proposal: Proposal },
): string | undefined {
  if (ballot.genesis !== proposal.genesis) return 'cast for another KMS'
  if (ballot.proposal !== id) return 'cast for another proposal'
  if (ballot.choice !== 'accept') return 'a rejecting one'
  return ballot.castAt > proposal.expiresAt ? 'cast too late' : undefined
}

function requireGenesis(inForce: InForce, found: Digest): void {
  if (found !== inForce.genesis) throw undecided('it is of another genesis', inForce.genesis, found)
}

function undecided(message: string, expected: string, found: string): Error {
  return governanceError('GOVERNANCE_UNDECIDED', message, { expected, found })
}
