import type { Reason } from './family/types.ts'

/** Outcome of one check. A skip is never a pass: it says why the check does not apply yet. */
export type StepStatus = 'pass' | 'fail' | 'skipped'

/** One named check of the chain of trust. Names are stable (pinned in tests) and dotted: `kms.evidence`. */
export interface Step {
  name: string
  status: StepStatus
  /** Whether only a pass will do. A step that is not required may be skipped; failing refuses all the same. */
  required: boolean
  /** One sentence for people: what this step establishes. */
  title: string
  expected?: string
  found?: string
  /** Why it failed or was skipped. */
  reason?: string
  /** Class of the reason, of checks of evidence that failed: stable, for programs. */
  class?: Reason
}

/**
 * The result of checking a trust bundle. `ok` is true only when every step the policy requires
 * passed and none failed; a caller sends nothing otherwise.
 */
export interface Verdict {
  ok: boolean
  steps: Step[]
  /** True when a software TEE is part of the chain: every screen must say so (T10). */
  software: boolean
  /** Whom this verdict trusts, in words (hardware vendor, log, witnesses, release signer). */
  trustedParties: string[]
  /** The verdict must be computed again after this instant (shortest validity in it), Unix seconds. */
  validUntil: number
}

/**
 * The steps that refuse a verdict: those that failed; where none did, those that were skipped and are
 * required. After a failure most later steps could only be skipped, and naming them would hide the cause.
 */
export function refusingSteps(steps: readonly Step[]): Step[] {
  const failed = steps.filter(({ status }) => status === 'fail')
  return failed.length > 0 ? failed : steps.filter(({ status, required }) => required && status === 'skipped')
}
