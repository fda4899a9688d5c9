import { bindHandover, type HandoverRequest } from '@sotto/protocol/handover'
import { covers } from '@sotto/verifier/workload'
import type { OwnEvidence } from '../attestation/index.ts'
import { kmsError } from '../errors.ts'
import {
  admit,
  type AdmittedWorkload,
  createJudge,
  type ReleaseContext,
  requireFresh,
  requireSameLog,
  verifyBoundCheckpoint,
} from '../release/index.ts'
import { kmsReleases, newestOf, releaseOf } from './own-release.ts'

/** A KMS that may take over. */
export interface AdmittedSuccessor extends AdmittedWorkload {
  fromSecurityVersion: number
  toSecurityVersion: number
}

/**
 * Judges a KMS that wants to take over exactly as a workload that wants keys, but by the tuples of role kms: authentic,
 * fresh, bound to the key that gets everything, and a release that is no older than this one (T15).
 * @throws `KMS_WRONG_GENESIS`, `KMS_CHECKPOINT_INVALID`, `KMS_CHECKPOINT_STALE`, `KMS_EVIDENCE_REFUSED`,
 * `KMS_NOT_ADMITTED`, `KMS_HANDOVER_UNCOVERED`, `KMS_HANDOVER_DOWNGRADE`, and those of the log client
 */
export async function admitSuccessor(
  request: HandoverRequest,
  own: OwnEvidence,
  { state, policy, log, now }: ReleaseContext,
): Promise<AdmittedSuccessor> {
  const { binding, evidence } = request
  if (binding.genesis !== state.identity!.digest)
    throw kmsError('KMS_WRONG_GENESIS', 'the evidence is bound to another KMS')
  const checkpoint = verifyBoundCheckpoint(request.checkpoint, binding.checkpoint, log)
  requireFresh(checkpoint, policy.document.evidenceMaxAgeSeconds, now)
  const judge = createJudge('kms', evidence, {
    expectedReportData: bindHandover(binding),
    at: now,
    boundAt: checkpoint.time,
  })
  const admitted = admit(judge(policy))
  const versions = compareVersions(admitted.tuple, own, policy, now)
  await requireSameLog(checkpoint, log)
  return { ...admitted, ...versions }
}

function compareVersions(
  name: string,
  own: OwnEvidence,
  { document, releases }: ReleaseContext['policy'],
  now: number,
): Pick<AdmittedSuccessor, 'fromSecurityVersion' | 'toSecurityVersion'> {
  const statements = kmsReleases(releases)
  const from = releaseOf(own, document, statements, now)
  if (from === undefined)
    throw kmsError('KMS_HANDOVER_UNCOVERED', 'no release statement of the policy in force covers this KMS', {
      hint: 'Accept a policy that comes with the release statement of the running KMS, and of the next.',
    })
  const tuple = document.anyOf.find((one) => one.name === name)!
  const to = newestOf(statements.filter((statement) => covers(statement, tuple)))
  const [fromSecurityVersion, toSecurityVersion] = [from, to].map(
    (release) => release?.predicate.securityVersion ?? -1,
  ) as [number, number]
  if (toSecurityVersion >= fromSecurityVersion) return { fromSecurityVersion, toSecurityVersion }
  throw kmsError('KMS_HANDOVER_DOWNGRADE', 'the security version of a KMS never decreases', {
    expected: `at least ${fromSecurityVersion}`,
    found: `${toSecurityVersion}`,
  })
}
