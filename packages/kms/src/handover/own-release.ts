import { utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import {
  type AdmissionTuple,
  bindReportData,
  decodeDocument,
  type KeyReleasePolicy,
  type LoggedStatement,
  type ReleaseStatement,
  releaseStatementDecoder,
  type UnixSeconds,
} from '@sotto/protocol/keyrelease'
import { appraiseEvidence } from '@sotto/verifier/appraisal'
import { evidencePieces, platformPolicy, programOf, withRelease } from '@sotto/verifier/workload'
import type { OwnEvidence } from '../attestation/index.ts'

/** Release statements of role kms among those behind a policy; their signatures were proven when it was accepted. */
export function kmsReleases(releases: readonly LoggedStatement[]): ReleaseStatement[] {
  const statements = releases.map(({ envelope }) =>
    decodeDocument(parseDsse(utf8(envelope)).payload, releaseStatementDecoder, 'release'),
  )
  return statements.filter(({ predicate }) => predicate.role === 'kms')
}

/** Of release statements that cover the same program the one that counts. */
export function newestOf(statements: readonly ReleaseStatement[]): ReleaseStatement | undefined {
  return statements.toSorted((a, b) => b.predicate.securityVersion - a.predicate.securityVersion)[0]
}

/**
 * Hardware on which a release may run a KMS: what members ask of the one that takes over, with the program of this
 * release in the place of its own.
 */
export function kmsPlatforms({ anyOf }: KeyReleasePolicy, release: ReleaseStatement): AdmissionTuple[] {
  return anyOf.flatMap(({ role, ...tuple }) =>
    role === 'kms' && programOf(tuple)?.family === release.predicate.evidence.family
      ? [withRelease(tuple, release)]
      : [],
  )
}

/**
 * The release that a running KMS is, by its own evidence: the newest that members accepted with the policy in force
 * and that covers it, on hardware they accept for a KMS. Nothing when none does.
 */
export function releaseOf(
  { evidence, binding }: Pick<OwnEvidence, 'evidence' | 'binding'>,
  policy: KeyReleasePolicy,
  releases: readonly ReleaseStatement[],
  at: UnixSeconds,
): ReleaseStatement | undefined {
  const pieces = evidencePieces(evidence)
  const context = { at, expectedReportData: bindReportData('kms', binding), boundAt: at }
  return newestOf(
    releases.filter((release) => {
      const platforms = kmsPlatforms(policy, release)
      return (
        platforms.length > 0 &&
        appraiseEvidence(pieces, platformPolicy({ ...policy, platforms }), context).admitted
      )
    }),
  )
}
