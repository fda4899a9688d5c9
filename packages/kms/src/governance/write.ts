import type { Digest } from '@sotto/protocol/keyrelease'
import { publishPending } from '../epochs/index.ts'
import type { KmsState } from '../state/index.ts'
import { executorOf, closeEnded, closeProposal, tally } from './tally.ts'
import type { ExecutionTools } from './tools.ts'
import type { WaitingRecord } from './types.ts'

/** What the log has to take next, and what it means once it has. */
export interface NextWrite {
  envelope: string
  /** The state in which the log holds it at `index`. */
  logged(state: KmsState, index: number, tools: ExecutionTools): KmsState
}

/**
 * What was written down and is not in the log yet, one at a time, in the order that makes sense to whoever
 * reads the log: the epoch under way, the decision under way, then members' statements, then events of contracts, as
 * they came.
 */
export function nextWrite({ pending, governance, contractEvents }: KmsState): NextWrite | undefined {
  if (pending !== undefined) return { envelope: pending.epoch.statement.envelope, logged: publish }
  const { deciding, waiting } = governance
  if (deciding !== undefined) return { envelope: deciding.envelope, logged: carryOut }
  const [first] = waiting
  if (first !== undefined) return { envelope: first.envelope, logged: noteRecord }
  const event = contractEvents?.[0]
  return event === undefined ? undefined : { envelope: event, logged: noteEvent }
}

/** A key set is logged: proposals that asked for the one after its predecessor are overtaken. */
function publish(state: KmsState, index: number, { now }: ExecutionTools): KmsState {
  return closeEnded(publishPending(state, index), now)
}

/** A statement of a member is logged: a ballot counts from here on. */
function noteRecord(state: KmsState, index: number, tools: ExecutionTools): KmsState {
  const { governance } = state
  const [{ of }, ...waiting] = governance.waiting as [WaitingRecord, ...WaitingRecord[]]
  const next = { ...state, governance: { ...governance, waiting } }
  if (of.type === 'hold') {
    const holds = governance.holds.map((hold) => (hold.id === of.id ? { ...hold, index } : hold))
    return { ...next, governance: { ...next.governance, holds } }
  }
  const proposal = state.proposals.get(of.id)
  // Overtaken by something that came before.
  if (proposal === undefined) return next
  const proposals = new Map(state.proposals)
  if (of.type === 'proposal') {
    proposals.set(of.id, { ...proposal, index })
    return { ...next, proposals }
  }
  const { key } = of
  const ballots = proposal.ballots.map((ballot) => (ballot.key === key ? { ...ballot, index } : ballot))
  proposals.set(of.id, { ...proposal, ballots })
  return tally({ ...next, proposals }, of.id, tools)
}

/** An event of a contract is logged: whoever made it may be answered. */
function noteEvent({ contractEvents, ...state }: KmsState): KmsState {
  const rest = contractEvents!.slice(1)
  return rest.length === 0 ? state : { ...state, contractEvents: rest }
}

/** A decision is logged: it is carried out, in the same transition. */
function carryOut(state: KmsState, index: number, tools: ExecutionTools): KmsState {
  const { deciding, ...governance } = state.governance
  const { id, envelope } = deciding!
  const { document, releases } = state.proposals.get(id)!
  const closed = closeProposal({ ...state, governance }, id, 'accepted', tools.now, index)
  const decision = { id: id satisfies Digest, statement: { envelope, index }, releases }
  const done = executorOf(document).execute(document.body as never, closed, decision, tools)
  return closeEnded(done, tools.now)
}
