export { constitutionInForce, followConstitutions, genesisInForce } from './constitution.ts'
export {
  ballotDecoder,
  constitutionDecoder,
  decisionDecoder,
  governanceRecordDecoder,
  holdDecoder,
  ownersDecoder,
  proposalDecoder,
} from './decode.ts'
export { parseDecision, verifyDecision, type VerifiedDecision } from './decision.ts'
export { governanceError, type GovernanceErrorCode } from './errors.ts'
export { majorityOf } from './majority.ts'
export {
  parseMemberJws,
  signMemberJws,
  verifyMemberJws,
  type MemberJws,
  type MemberStatement,
} from './jws.ts'
export { algorithmOf, memberSigner, type MemberAlgorithm } from './member-key.ts'
export {
  MAX_CONSTITUTIONS,
  MAX_MEMBER_JWS_CHARACTERS,
  MAX_OPEN_SECONDS,
  MAX_OWNED_ARTIFACTS,
  MAX_OWNERS,
  MEMBER_JWS_TYPES,
  NOTHING_BEFORE,
  type AdmittedOwner,
  type Ballot,
  type Constitution,
  type Decision,
  type GovernanceRecord,
  type Hold,
  type InForce,
  type MemberJwsType,
  type MemberSigner,
  type Proposal,
  type ProposalBodies,
  type ProposalKind,
  type ProposalOf,
} from './types.ts'
