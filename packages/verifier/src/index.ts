export { verifierError, type VerifierErrorCode } from './errors.ts'
export { refusingSteps, type Step, type StepStatus, type Verdict } from './result.ts'
export {
  acceptsSoftware,
  ALWAYS_REQUIRED,
  describeTrustPolicy,
  encodeTrustPolicy,
  parseTrustPolicy,
  REQUIRED_BY_CHOICE,
  type AllowedKem,
  type StepName,
  type TrustPolicy,
} from './policy/index.ts'
export {
  verifyTrustBundle,
  type BundleContext,
  type BundleResult,
  type TrustedService,
  type UsableKey,
} from './bundle/index.ts'
export {
  createReceiptVerifier,
  verifyReceipt,
  type ReceiptResult,
  type ReceiptSubject,
  type ReceiptVerifier,
} from './receipt/index.ts'
export { loadMissingFamilies } from '#family-verifiers'
export { verifyUsage, type UsageResult } from './usage/index.ts'
export { softwareRootDigest } from './software/index.ts'
