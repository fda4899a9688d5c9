export { verifierError, type VerifierErrorCode } from './errors.ts'
export type { Step, StepStatus, Verdict } from './result.ts'
export {
  appraiseAnyOf,
  appraiseTuple,
  authenticateEvidence,
  requireReportData,
  verifyEvidence,
  type EvidenceExpectation,
  type VerifiedEvidence,
} from './evidence.ts'
export {
  describeTrustPolicy,
  encodeTrustPolicy,
  parseTrustPolicy,
  type AllowedKem,
  type TrustPolicy,
} from './policy/index.ts'
export {
  verifyTrustBundle,
  type BundleContext,
  type BundleResult,
  type TrustedService,
  type UsableKey,
} from './bundle/index.ts'
export { verifyReceipt, type ReceiptResult, type ReceiptSubject } from './receipt/index.ts'
export { softwareRootDigest } from './software/index.ts'
