import type { Decision, GovernanceRecord } from '@sotto/protocol/governance'
import { documentDigest, PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import type { KmsState } from '../state/index.ts'
import type { StatementKey } from '../statements/index.ts'
import type { ChainEnd, OpenProposal, WaitingRecord } from './types.ts'

type Sign = StatementKey['sign']

/** The state with one more record written down, to be logged after those before it. */
export function withRecord(
  state: KmsState,
  entry: GovernanceRecord['entry'],
  of: WaitingRecord['of'],
  sign: Sign,
): KmsState {
  const { governance } = state
  const record: GovernanceRecord = {
    version: 1,
    genesis: state.identity!.digest,
    ...next(governance.records),
    entry,
  }
  const waiting = [...governance.waiting, { envelope: sign(PAYLOAD_TYPES.governance, record), of }]
  return { ...state, governance: { ...governance, waiting, records: endOf(record) } }
}

/** The state with the decision of a proposal written down: from here on nothing undoes it. */
export function withDecision(state: KmsState, { id, token, ballots }: OpenProposal, sign: Sign): KmsState {
  const { governance } = state
  const decision: Decision = {
    version: 1,
    genesis: state.identity!.digest,
    ...next(governance.decisions),
    proposal: token,
    ballots: ballots
      .filter(({ choice, index }) => choice === 'accept' && index !== undefined)
      .map((ballot) => ballot.token),
  }
  const deciding = { id, envelope: sign(PAYLOAD_TYPES.decision, decision) }
  return { ...state, governance: { ...governance, deciding, decisions: endOf(decision) } }
}

function next({ sequence, digest }: ChainEnd): { sequence: number; previous: string } {
  return { sequence: sequence + 1, previous: digest }
}

function endOf(document: { sequence: number }): ChainEnd {
  return { sequence: document.sequence, digest: documentDigest(document) }
}
