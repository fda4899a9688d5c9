export {
  createCustodianFile,
  custodianFileDecoder,
  openCustodianFile,
  type CustodianFile,
  type CustodianKeys,
} from './custodian-file.ts'
export {
  CUSTODIAN_KEY_BYTES,
  custodianKeyDigest,
  encodeCustodianKey,
  splitCustodianKey,
  type CustodianKeyParts,
} from './custodian-key.ts'
export {
  custodianListDecoder,
  MAX_CUSTODY_ANSWER_BYTES,
  MAX_RECOVERY_RELEASES,
  recoveryReceiptDecoder,
  recoveryRequestDecoder,
  recoverySessionDecoder,
  recoveryShareDecoder,
  rootSuccessionDecoder,
  shareAcknowledgementDecoder,
  sharesDocumentDecoder,
  shareSetDecoder,
} from './decode.ts'
export { custodyError, type CustodyErrorCode } from './errors.ts'
export { combineShares, MAX_SHARES, MIN_THRESHOLD, splitSecret, type Share, type Split } from './shamir.ts'
export {
  bindRecovery,
  createShareSet,
  openReleasedShare,
  openShare,
  openShareSet,
  resealShare,
  shareCommitment,
  SHARED_SECRET_BYTES,
  type SharePlan,
} from './shares.ts'
export {
  CUSTODY_CONTEXTS,
  CUSTODY_TYPES,
  MAX_SUCCESSIONS,
  type Custodian,
  type CustodianKey,
  type RecoveryBinding,
  type RecoveryReceipt,
  type RecoveryRequest,
  type RecoverySession,
  type RecoveryShare,
  type RootSuccession,
  type SealedShare,
  type ShareAcknowledgement,
  type SharesDocument,
  type ShareSet,
} from './types.ts'
