import type { DcapFacts } from '../dcap/facts.ts'
import type { EventLog } from '../event-log/index.ts'
import type { TdReport } from './body.ts'
import type { TdxPolicy } from './policy.ts'

/** What the checks of a TD quote establish for each other. */
export interface TdxFacts extends DcapFacts {
  policy: TdxPolicy
  /** Structure only. */
  report?: TdReport
  /** Structure only: not compared with anything yet. */
  eventLog?: EventLog
}
