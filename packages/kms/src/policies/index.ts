export { judgeProposal, type PolicyProposal, policyProposalDecoder, type ProposalContext } from './accept.ts'
export { withPolicy } from './keep.ts'
