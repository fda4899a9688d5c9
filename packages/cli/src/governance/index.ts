export { constitutionChanges, printEffect } from './describe.ts'
export { type Desk, KMS_FLAGS, MEMBER_FLAGS, openDesk, openMember, resolveKms } from './desk.ts'
export {
  type Closed,
  holdAnswerDecoder,
  type Listed,
  receivedAnswerDecoder,
  voteAnswerDecoder,
} from './answers.ts'
export {
  type Ask,
  type Governance,
  type OpenProposal,
  readAnswer,
  readGovernance,
  readProposal,
} from './kms.ts'
export {
  createMemberSecret,
  type MemberSecret,
  openMemberKey,
  readMemberKey,
  readPemSecret,
  writeMemberKey,
} from './member-key-file.ts'
export {
  lintKeyReleasePolicy,
  type NamedText,
  readConstitution,
  readKeyReleasePolicy,
  readReleases,
} from './proposal-files.ts'
export { readKmsReleases, skrPolicyOf, type SkrPolicy } from './skr-policy.ts'
