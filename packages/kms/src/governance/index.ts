export { Assembly, type AssemblyKms } from './assembly.ts'
export { EXECUTORS, type Executor, type LoggedDecision, type Obstacle } from './execute.ts'
export { createMemberRates, type MemberRates } from './member-rates.ts'
export { inForceOf, NO_GOVERNANCE } from './in-force.ts'
export {
  ballotRequestDecoder,
  holdRequestDecoder,
  type ProposalRequest,
  proposalRequestDecoder,
} from './propose.ts'
export {
  type GovernanceDocument,
  governanceDocument,
  type ListedProposal,
  proposalDocument,
  type ShownProposal,
} from './show.ts'
export { closeEnded } from './tally.ts'
export type { ExecutionTools, JudgeContext } from './tools.ts'
export type { ChainEnd, ClosedProposal, Governance, OpenProposal, StandingHold } from './types.ts'
export { type NextWrite, nextWrite } from './write.ts'
