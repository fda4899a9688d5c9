import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { hasCode } from '@sotto/protocol/errors'
import {
  type AdmissionTuple,
  decodeDocument,
  type Ed25519Key,
  type KeyReleasePolicy,
  type LoggedStatement,
  PAYLOAD_TYPES,
  type PolicyTuple,
  type ReleaseStatement,
  releaseStatementDecoder,
} from '@sotto/protocol/keyrelease'
import type { LogClient } from '@sotto/serve/log-client'
import { covers, evidencePolicyOf, findReleaseDefect } from '@sotto/verifier/workload'
import { kmsError } from '../errors.ts'
import { MAX_FUTURE_SECONDS } from '../governance/admit.ts'
import { inForceOf } from '../governance/in-force.ts'
import type { JudgeContext } from '../governance/tools.ts'
import type { KmsState } from '../state/index.ts'

/**
 * Why members cannot have this policy any more: it is younger than all they accepted, or an old, weaker one
 * could be brought back.
 */
export function findPolicyObstacle(
  document: KeyReleasePolicy,
  state: KmsState,
): ReturnType<typeof kmsError> | undefined {
  const latest = Math.max(0, ...[...state.policies.values()].map((policy) => policy.document.createdAt))
  if (document.createdAt > latest) return undefined
  return kmsError('KMS_POLICY_OLD', 'the policy is not younger than one already accepted', {
    expected: `createdAt after ${latest}`,
    found: `${document.createdAt}`,
  })
}

/**
 * Judges a proposed policy: it means something here, each tuple is a release somebody with a release key
 * vouched for in the log, and it does not lie in the future.
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_POLICY_OLD`, `KMS_POLICY_MIXED`, `KMS_POLICY_TUPLE`,
 * `KMS_RELEASE_NOT_LOGGED`, and those of the log client
 */
export async function judgePolicy(
  document: KeyReleasePolicy,
  releases: readonly LoggedStatement[],
  { state, softwareRoots, log, now }: JudgeContext,
): Promise<void> {
  if (document.createdAt > now + MAX_FUTURE_SECONDS) {
    throw kmsError('KMS_POLICY_OLD', 'the policy lies in the future', {
      found: `${document.createdAt}`,
      expected: `at most ${now}`,
    })
  }
  requireKind(document, softwareRoots)
  const { releaseKeys } = inForceOf(state)
  const statements = releases.map((release) => verifyRelease(release, releaseKeys))
  for (const tuple of document.anyOf) requireRelease(tuple, statements)
  requireWorkload(document)
  await requireLogged(releases, log)
}

/**
 * What is asked of evidence means something, and is of the kind that this KMS serves (T10).
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_POLICY_MIXED`, `KMS_POLICY_TUPLE`
 */
export function requireKind(document: KeyReleasePolicy, softwareRoots: readonly string[]): void {
  let tuples: AdmissionTuple[]
  try {
    tuples = evidencePolicyOf(document).anyOf
  } catch (cause) {
    throw kmsError('KMS_REQUEST_MALFORMED', 'a tuple of the policy is malformed', {
      found: (cause as Error).message,
      cause,
    })
  }
  for (const { name, allOf } of tuples) {
    if (allOf.some(({ family }) => (family === 'software') !== softwareRoots.length > 0))
      throw kmsError('KMS_POLICY_MIXED', 'this KMS serves the other kind of TEE', { found: name })
    const roots = allOf.flatMap((component) => (component['roots'] ?? []) as readonly string[])
    if (softwareRoots.length > 0 && !roots.every((root) => softwareRoots.includes(root)))
      throw kmsError('KMS_POLICY_TUPLE', 'this KMS does not accept the root of a tuple', { found: name })
  }
}

/** A policy that admits no workload releases nothing to anybody. @throws `KMS_POLICY_TUPLE` */
export function requireWorkload({ anyOf }: KeyReleasePolicy): void {
  if (anyOf.some(({ role }) => role === 'inference')) return
  throw kmsError('KMS_POLICY_TUPLE', 'no tuple of the policy admits a workload to the keys', {
    expected: 'a tuple of role inference',
  })
}

function verifyRelease(release: LoggedStatement, releaseKeys: readonly Ed25519Key[]): ReleaseStatement {
  let statement: ReleaseStatement
  try {
    const envelope = parseDsse(utf8(release.envelope))
    const keys = releaseKeys.map(fromBase64Url)
    const { payload } = verifyDsse(envelope, PAYLOAD_TYPES.release, keys)
    statement = decodeDocument(payload, releaseStatementDecoder, 'release')
  } catch (cause) {
    throw kmsError('KMS_POLICY_TUPLE', 'a release statement is not signed by a release key in force', {
      cause,
    })
  }
  const defect = findReleaseDefect(statement)
  if (defect === undefined) return statement
  throw kmsError('KMS_POLICY_TUPLE', 'a release statement contradicts itself', { found: defect })
}

/**
 * One statement must cover the whole tuple: program, configuration, role and platform. A tuple of role kms admits
 * to a handover and to nothing else (T15).
 */
function requireRelease(tuple: PolicyTuple, statements: readonly ReleaseStatement[]): void {
  if (statements.some((statement) => covers(statement, tuple))) return
  throw kmsError('KMS_POLICY_TUPLE', 'a tuple has no release statement', { found: tuple.name })
}

async function requireLogged(releases: readonly LoggedStatement[], log: LogClient): Promise<void> {
  const checkpoint = await log.latest()
  for (const { envelope, index } of releases) {
    try {
      if (index >= checkpoint.size) throw kmsError('KMS_RELEASE_NOT_LOGGED', 'the log is not that long')
      await log.proveInclusion(utf8(envelope), index, checkpoint)
    } catch (cause) {
      if (hasCode(cause, 'LOG_UNREACHABLE')) throw cause
      throw kmsError('KMS_RELEASE_NOT_LOGGED', 'a release statement is not in the log where it should be', {
        found: `index ${index}`,
        cause,
      })
    }
  }
}
