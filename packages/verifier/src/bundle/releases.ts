import type { ReleaseStatement, Role } from '@sotto/protocol/keyrelease'
import { Refusal } from '../checks/index.ts'
import type { TrustPolicy } from '../policy/index.ts'
import { findRevoked } from '../workload/index.ts'

/** A workload for which a release has to be found. */
export interface ClaimedWorkload {
  role: Role
  /** For the refusal. */
  expected: string
  found: string
  /** What it reports, or may report: searched for revoked digests beside the statements. */
  names: unknown
}

/**
 * Of the release statements that cover a workload as a whole, the newest, if the policy accepts it. Logged is
 * not yet acceptable (T2), and nothing is put together from two statements.
 */
export function requireRelease(
  covering: readonly ReleaseStatement[],
  { role, expected, found, names }: ClaimedWorkload,
  policy: Pick<TrustPolicy, 'revoked' | 'minSecurityVersion'>,
): ReleaseStatement {
  const [first, ...others] = covering
  if (first === undefined)
    throw new Refusal('no release statement covers this program and configuration', expected, found)
  const newest = others.reduce(
    (a, b) => (b.predicate.securityVersion > a.predicate.securityVersion ? b : a),
    first,
  )
  const revoked = findRevoked([covering.map(revocableOf), names], policy.revoked)
  if (revoked !== undefined)
    throw new Refusal(`${nameOf(newest)} is revoked by the policy`, 'an unrevoked digest', revoked)
  const minimum = policy.minSecurityVersion[role] ?? 0
  const { securityVersion } = newest.predicate
  if (securityVersion < minimum)
    throw new Refusal(
      `${nameOf(newest)} is older than the policy allows`,
      `security version ${minimum}`,
      `${securityVersion}`,
    )
  return newest
}

/** By what a release is revoked. */
function revocableOf({ subject, predicate }: ReleaseStatement): unknown {
  return [subject.map(({ digest }) => digest.sha256), predicate.evidence, predicate.app?.sha256]
}

/** What a release is called. */
export function nameOf({ predicate: { role, version } }: ReleaseStatement): string {
  return `${role} ${version}`
}
