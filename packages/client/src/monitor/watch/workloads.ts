import { CONSOLE_RELEASE_PREDICATE } from '@sotto/protocol/console-release'
import {
  decodeDocument,
  documentDigest,
  RELEASE_PREDICATE,
  releaseStatementDecoder,
  type KeyReleasePolicy,
  type PolicyTuple,
  type ReleaseStatement,
} from '@sotto/protocol/keyrelease'
import {
  covers,
  describeRelease,
  evidencePolicyOf,
  findReleaseDefect,
  findRevoked,
} from '@sotto/verifier/workload'
import { memberOf } from './document.ts'
import { decoded, isSigned, type Judging } from './judging.ts'
import { judgePages } from './pages.ts'
import { judgeVersion } from './release-version.ts'
import { keep } from './state.ts'

/**
 * A release statement, of a role or of the web pages: signed by an accepted key, not revoked, and no step back. Other
 * in-toto statements are skipped: SBOMs and build provenance have the same payload type.
 */
export function judgeRelease(judging: Judging): void {
  const { state, expect, envelope, alert } = judging
  const predicate = memberOf(envelope.payload, 'predicateType')
  if (predicate !== RELEASE_PREDICATE && predicate !== CONSOLE_RELEASE_PREDICATE) return
  const keys =
    expect.releaseKeys ?? state.constitution?.releaseKeys ?? state.genesis?.document.releaseKeys ?? []
  if (!isSigned(envelope, keys))
    return alert('RELEASE_UNKNOWN_KEY', 'a release statement that no accepted key signed', keys.join(' or '))
  if (predicate === CONSOLE_RELEASE_PREDICATE) return judgePages(judging)
  const statement = decoded(judging, 'RELEASE_MALFORMED', (payload) =>
    decodeDocument(payload, releaseStatementDecoder, 'release'),
  )
  if (statement === undefined) return
  const defect = findReleaseDefect(statement)
  if (defect !== undefined)
    return alert('RELEASE_MALFORMED', `a release statement contradicts itself: ${defect}`)
  const { app, role, securityVersion, evidence } = statement.predicate
  const minimum = minimumOf(expect.minSecurityVersion, role)
  const newest = Math.max(
    minimum,
    ...state.releases.filter(isOf(role)).map(({ predicate }) => predicate.securityVersion),
  )
  const named = [statement.subject.map(({ digest }) => digest.sha256), evidence, app?.sha256]
  if (!judgeVersion(judging, { what: describeRelease(statement), named, securityVersion, newest })) return
  if (securityVersion >= minimum) keep(state, 'releases', statement)
}

/** Who may hold keys, as members accepted it: younger than the last, every tuple an accepted release. */
export function judgePolicy(judging: Judging, policy: KeyReleasePolicy): void {
  const { state, alert } = judging
  try {
    // What is no policy of evidence admits nothing, and would be compared as if it did.
    evidencePolicyOf(policy)
  } catch (error) {
    alert(
      'POLICY_MALFORMED',
      `a key-release policy that asks nothing of evidence: ${(error as Error).message}`,
    )
  }
  const digest = documentDigest(policy)
  if (state.policies.includes(digest)) return
  if (policy.createdAt <= state.policyTime)
    alert(
      'POLICY_OLDER',
      'a key-release policy is not younger than one before',
      `after ${state.policyTime}`,
      `${policy.createdAt}`,
    )
  state.policyTime = Math.max(state.policyTime, policy.createdAt)
  for (const tuple of policy.anyOf) requireRelease(judging, tuple)
  // Members accepted it, so keys may be under it whatever its tuples are: that is the alert.
  keep(state, 'policies', digest)
}

function requireRelease({ state, expect, alert }: Judging, tuple: PolicyTuple): void {
  const revoked = findRevoked(tuple.allOf, expect.revoked)
  if (revoked !== undefined)
    return alert('POLICY_TUPLE', `tuple ${tuple.name} admits what is revoked`, 'an unrevoked digest', revoked)
  if (state.releases.some((statement) => covers(statement, tuple))) return
  const accepted = state.releases.filter(isOf(tuple.role)).map(describeRelease)
  alert(
    'POLICY_TUPLE',
    `tuple ${tuple.name} admits what no accepted release covers`,
    accepted.slice(-4).join(' or ') || 'a release statement',
    `${tuple.role}: ${tuple.allOf.map(({ family }) => family).join(' with ')}`,
  )
}

function isOf(role: string): (statement: ReleaseStatement) => boolean {
  return ({ predicate }) => predicate.role === role
}

function minimumOf(minimums: Readonly<Record<string, number>>, role: string): number {
  return minimums[role] ?? 0
}
