import { findRevoked } from '@sotto/verifier/workload'
import type { Judging } from './judging.ts'

/** What any release says of itself. */
export interface ReleaseVersion {
  /** For people. */
  what: string
  /** Everything in it that a digest may name. */
  named: unknown
  securityVersion: number
  /** Highest so far, or the least that is accepted. */
  newest: number
}

/** Whether a release stands: not revoked. A step back is an alert, and stands. */
export function judgeVersion(
  { expect, alert }: Judging,
  { what, named, securityVersion, newest }: ReleaseVersion,
): boolean {
  const revoked = findRevoked(named, expect.revoked)
  if (revoked !== undefined) {
    alert('RELEASE_REVOKED', `${what} is revoked`, 'an unrevoked digest', revoked)
    return false
  }
  if (securityVersion < newest)
    alert('RELEASE_OLDER', `${what} is a step back`, `security version ${newest}`, `${securityVersion}`)
  return true
}
