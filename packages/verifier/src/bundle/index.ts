export { requirementsOf, verifyUnder } from './log-checks.ts'
export type { BundleContext, UsableKey } from './facts.ts'
export { verifyTrustBundle, type BundleResult, type TrustedService } from './verify.ts'
