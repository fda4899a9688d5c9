import type { DcapFacts } from '../dcap/facts.ts'
import type { ReportBody } from '../dcap/report-body.ts'
import type { SgxPolicy } from './policy.ts'

/** What the checks of an enclave quote establish for each other. */
export interface SgxFacts extends DcapFacts {
  policy: SgxPolicy
  /** Structure only. */
  report?: ReportBody
}
