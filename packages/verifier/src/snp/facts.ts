import type { CollateralDate, EvidenceInput, FieldValue } from '../family/index.ts'
import type { VerifiedChain } from './chain.ts'
import type { SnpCollateral } from './collateral.ts'
import type { EndorsementKey } from './kds.ts'
import type { SevSnpPolicy } from './policy.ts'
import type { SnpProduct } from './product.ts'
import type { SnpReport } from './report.ts'
import type { RevocationStatus } from './revocation.ts'
import type { SnpRoots } from './roots.ts'
import type { UvmEndorsement } from './uvm.ts'

/** What the checks establish for each other. A fact exists only once its step says so. */
export interface SnpFacts {
  input: EvidenceInput<SevSnpPolicy>
  policy: SevSnpPolicy
  roots: SnpRoots
  collateral: SnpCollateral
  /** Filled as far as the checks get. */
  fields: Record<string, FieldValue>
  validUntil?: number
  dates?: readonly CollateralDate[]
  /** Structure only. */
  report?: SnpReport
  /** The certificate that is judged; what it is worth is for the chain to say. */
  key?: EndorsementKey
  chain?: VerifiedChain
  /** By the chain, or else by the CPUID bytes of the report. */
  product?: SnpProduct
  revocation?: RevocationStatus
  uvm?: UvmEndorsement
}
