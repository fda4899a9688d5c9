import {
  constitutionInForce,
  decisionDecoder,
  genesisInForce,
  governanceRecordDecoder,
  NOTHING_BEFORE,
  parseMemberJws,
  verifyDecision,
  verifyMemberJws,
  type InForce,
  type VerifiedDecision,
} from '@sotto/protocol/governance'
import { decodeDocument } from '@sotto/protocol/keyrelease'
import { decoded, digestOf, isCertified, type Judging } from './judging.ts'
import { noteSharing } from './shares.ts'
import { judgePolicy } from './workloads.ts'
import { keep, type WatchState } from './state.ts'

/** Who decides at this place of the log: the newest constitution, or the genesis. */
export function inForceOf({ genesis, constitution }: WatchState): InForce | undefined {
  if (constitution !== undefined) return constitutionInForce(constitution)
  return genesis === undefined ? undefined : genesisInForce(genesis.document, genesis.digest)
}

/** What members decided: enough of those in force, in order, and nothing left out. */
export function judgeDecision(judging: Judging): void {
  const { state, envelope, entry, alert } = judging
  const inForce = inForceOf(state)
  if (inForce === undefined)
    return alert('DECISION_UNDECIDED', 'a decision before the genesis', 'the genesis')
  let decision: VerifiedDecision
  try {
    decision = verifyDecision(entry, [inForce])
  } catch (error) {
    const { message, expected, found } = error as { message: string; expected?: string; found?: string }
    return alert('DECISION_UNDECIDED', `a decision that members did not make: ${message}`, expected, found)
  }
  if (!isCertified(judging))
    return alert('DECISION_UNCERTIFIED', 'a decision that no certified statement key put in its place')
  const { previous } = decodeDocument(envelope.payload, decisionDecoder, 'decision')
  if (!follows(judging, 'decision', { sequence: decision.sequence, previous })) return
  const { proposal } = decision
  if (proposal.kind === 'key-release-policy') judgePolicy(judging, proposal.body)
  if (proposal.kind === 'custodians') noteSharing(judging, proposal.body)
  if (proposal.kind === 'resume') state.holds = state.holds.filter(({ id }) => id !== proposal.body.hold)
  if (proposal.kind !== 'constitution') return
  if (proposal.body.sequence === inForce.sequence + 1) state.constitution = proposal.body
  else
    alert(
      'GOVERNANCE_GAP',
      'a constitution does not follow the one in force',
      `constitution ${inForce.sequence + 1}`,
      `constitution ${proposal.body.sequence}`,
    )
}

/** One entry of the members' history, as the KMS keeps it: whole and without a second version. */
export function judgeRecord(judging: Judging): void {
  if (!isCertified(judging))
    return judging.alert(
      'RECORD_UNCERTIFIED',
      'an entry of the members’ history that no certified statement key signed',
    )
  const record = decoded(judging, 'RECORD_MALFORMED', (payload) =>
    decodeDocument(payload, governanceRecordDecoder, 'record'),
  )
  if (record === undefined || !follows(judging, 'record', record)) return
  if (record.entry.type === 'hold') keepHold(judging.state, record.entry.jws)
}

/** A member’s word that no keys are to be released. A member has one hold at a time; only members end it. */
function keepHold(state: WatchState, token: string): void {
  try {
    const { id, member, document } = verifyMemberJws(
      parseMemberJws(token, 'hold'),
      inForceOf(state)?.members ?? [],
    )
    if (state.holds.some((hold) => hold.member === member.key)) return
    keep(state, 'holds', { id, member: member.key, createdAt: document.createdAt })
  } catch {
    // Of nobody who may: it stops nothing.
  }
}

/** Whether a link is the next of its chain, or one that skipped some: both are remembered, a second version is not. */
function follows(
  { state, envelope, alert }: Judging,
  chain: 'decision' | 'record',
  { sequence, previous }: { sequence: number; previous: string },
): boolean {
  const before = state[chain]
  const expected = (before?.sequence ?? 0) + 1
  if (sequence < expected) {
    alert(
      'GOVERNANCE_FORK',
      `${chain} ${sequence} has a second version`,
      `${chain} ${expected}`,
      digestOf(envelope),
    )
    return false
  }
  if (sequence > expected)
    alert('GOVERNANCE_GAP', `a ${chain} is missing`, `${chain} ${expected}`, `${chain} ${sequence}`)
  else if (previous !== (before?.digest ?? NOTHING_BEFORE))
    alert('GOVERNANCE_FORK', `${chain} ${sequence} names another one before it`, before?.digest, previous)
  state[chain] = { sequence, digest: digestOf(envelope) }
  return true
}
