import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { parseDsse, verifyDsse } from '@sotto/protocol/dsse'
import { hasCode } from '@sotto/protocol/errors'
import { list, object, text } from '@sotto/protocol/jcs'
import {
  type AdmissionTuple,
  decodeDocument,
  documentDigest,
  type Genesis,
  type KeyReleasePolicy,
  type LoggedStatement,
  loggedStatementDecoder,
  parseKeyReleasePolicy,
  PAYLOAD_TYPES,
  type PolicyTuple,
  type ReleaseStatement,
  releaseStatementDecoder,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import type { LogClient } from '@sotto/serve/log-client'
import { covers, evidencePolicyOf, findReleaseDefect } from '@sotto/verifier/workload'
import { kmsError } from '../errors.ts'
import type { AcceptedPolicy, KmsState } from '../state/index.ts'

/** Body of `POST /v1/policies`. Whoever sends it is unknown; what counts is who signed. */
export interface PolicyProposal {
  /** Canonical DSSE envelope of a {@link KeyReleasePolicy}, signed by at least `threshold` members. */
  policy: string
  /** Logged release statements: of every tuple, and of the KMS itself for clients to see. At most 32. */
  releases: LoggedStatement[]
}

/** Decodes {@link PolicyProposal}. @throws `JCS_FIELD` */
export const policyProposalDecoder: (value: unknown, path: string) => PolicyProposal = object({
  policy: text(65_535),
  releases: list(loggedStatementDecoder, 1, 32),
})

/** Members' clocks may be this much ahead of ours. */
const MAX_FUTURE_SECONDS = 300

/** What a proposal is judged by. */
export interface ProposalContext {
  state: KmsState
  genesis: Genesis
  softwareRoots: readonly string[]
  log: LogClient
  now: UnixSeconds
}

/**
 * Judges a proposal. Nothing is accepted by default or by waiting: enough distinct members signed
 * these very bytes, each tuple is a release somebody with a release key vouched for in the log, and
 * the policy is younger than the current one, so that an old, weaker one cannot be brought back.
 * @throws `KMS_REQUEST_MALFORMED`, `KMS_NOT_AUTHORIZED`, `KMS_WRONG_GENESIS`, `KMS_POLICY_OLD`,
 * `KMS_POLICY_MIXED`, `KMS_POLICY_TUPLE`, `KMS_RELEASE_NOT_LOGGED`, and those of the log client
 */
export async function judgeProposal(
  proposal: PolicyProposal,
  context: ProposalContext,
): Promise<Omit<AcceptedPolicy, 'statement'>> {
  const document = verifyVotes(proposal.policy, context.genesis)
  if (document.genesis !== context.state.identity!.digest) {
    throw kmsError('KMS_WRONG_GENESIS', 'the policy is meant for another KMS')
  }
  const digest = documentDigest(document)
  requireYounger(document, digest, context)
  requireKind(document, context.softwareRoots)
  const statements = proposal.releases.map((release) => verifyRelease(release, context.genesis))
  for (const tuple of document.anyOf) requireRelease(tuple, statements)
  await requireLogged(proposal.releases, context.log)
  return { digest, document, releases: proposal.releases }
}

function verifyVotes(envelopeText: string, genesis: Genesis): KeyReleasePolicy {
  const members = genesis.members.map((member) => fromBase64Url(member.key))
  try {
    const envelope = parseDsse(utf8(envelopeText))
    const { payload, signers } = verifyDsse(
      envelope,
      PAYLOAD_TYPES.keyReleasePolicy,
      members,
      genesis.threshold,
    )
    // A signature nobody counts could be added by anybody, and give one policy two log entries.
    if (signers.length !== envelope.signatures.length) {
      throw kmsError(
        'KMS_NOT_AUTHORIZED',
        'the envelope carries signatures that are no member’s or stand twice',
      )
    }
    return parseKeyReleasePolicy(payload)
  } catch (error) {
    if (hasCode(error, 'KMS_NOT_AUTHORIZED')) throw error
    if (hasCode(error, 'DSSE_SIGNATURE')) {
      throw kmsError('KMS_NOT_AUTHORIZED', 'too few distinct members signed the policy', {
        expected: `${genesis.threshold} of ${genesis.members.length}`,
        found: error.found ?? 'fewer',
        cause: error,
      })
    }
    if (hasCode(error, 'POLICY_INVALID')) {
      throw kmsError('KMS_POLICY_MIXED', 'the policy is contradictory', {
        found: error.found ?? '',
        cause: error,
      })
    }
    throw kmsError('KMS_REQUEST_MALFORMED', 'the policy is malformed', { cause: error })
  }
}

function requireYounger(document: KeyReleasePolicy, digest: string, { state, now }: ProposalContext): void {
  if (document.createdAt > now + MAX_FUTURE_SECONDS) {
    throw kmsError('KMS_POLICY_OLD', 'the policy lies in the future', {
      found: `${document.createdAt}`,
      expected: `at most ${now}`,
    })
  }
  const newest = [...state.policies.values()].filter((policy) => policy.digest !== digest)
  const latest = Math.max(0, ...newest.map((policy) => policy.document.createdAt))
  if (document.createdAt <= latest) {
    throw kmsError('KMS_POLICY_OLD', 'the policy is not younger than one already accepted', {
      expected: `createdAt after ${latest}`,
      found: `${document.createdAt}`,
    })
  }
}

/** What is asked of evidence means something, and is of the kind that this KMS serves (T10). */
function requireKind(document: KeyReleasePolicy, softwareRoots: readonly string[]): void {
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

function verifyRelease(release: LoggedStatement, genesis: Genesis): ReleaseStatement {
  let statement: ReleaseStatement
  try {
    const envelope = parseDsse(utf8(release.envelope))
    const keys = genesis.releaseKeys.map(fromBase64Url)
    const { payload } = verifyDsse(envelope, PAYLOAD_TYPES.release, keys)
    statement = decodeDocument(payload, releaseStatementDecoder, 'release')
  } catch (cause) {
    throw kmsError('KMS_POLICY_TUPLE', 'a release statement is not signed by a release key of the genesis', {
      cause,
    })
  }
  const defect = findReleaseDefect(statement)
  if (defect === undefined) return statement
  throw kmsError('KMS_POLICY_TUPLE', 'a release statement contradicts itself', { found: defect })
}

/** One statement must cover the whole tuple: program, configuration, role and platform. */
function requireRelease(tuple: PolicyTuple, statements: readonly ReleaseStatement[]): void {
  // A KMS gets its state from its own store, never by release.
  const isAdmissible = tuple.role === 'inference'
  if (isAdmissible && statements.some((statement) => covers(statement, tuple))) return
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
