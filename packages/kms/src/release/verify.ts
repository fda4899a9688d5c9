import { bindReportData, type ReleaseRequest, type Role, type UnixSeconds } from '@sotto/protocol/keyrelease'
import type { LogClient, WitnessedCheckpoint } from '@sotto/serve/log-client'
import { policyOf } from '../artifacts/index.ts'
import { kmsError } from '../errors.ts'
import type { AcceptedPolicy, KmsState } from '../state/index.ts'
import {
  admit,
  type AdmittedWorkload,
  createJudge,
  type Judge,
  requireFresh,
  requireSameLog,
  verifyBoundCheckpoint,
} from './evidence.ts'

/** What a request for keys is judged by. */
export interface ReleaseContext {
  state: KmsState
  policy: AcceptedPolicy
  log: LogClient
  now: UnixSeconds
}

/**
 * Judges a request for keys: everything in it is the sender's claim until it is proven here. Local
 * checks come first, so that a stranger costs no reads from the log.
 * @throws `KMS_WRONG_GENESIS`, `KMS_CHECKPOINT_INVALID`, `KMS_CHECKPOINT_STALE`,
 * `KMS_EVIDENCE_REFUSED`, `KMS_NOT_ADMITTED`, and those of the log client
 */
export async function admitWorkload(
  request: ReleaseRequest,
  context: ReleaseContext,
  role: Role = 'inference',
): Promise<AdmittedWorkload> {
  const { binding } = request
  if (binding.genesis !== context.state.identity!.digest) {
    throw kmsError('KMS_WRONG_GENESIS', 'the evidence is bound to another KMS')
  }
  const checkpoint = verifyBoundCheckpoint(request.checkpoint, binding.checkpoint, context.log)
  requireFresh(checkpoint, context.policy.document.evidenceMaxAgeSeconds, context.now)
  const judge = createJudge(role, request.evidence, {
    expectedReportData: bindReportData('enclave', binding),
    at: context.now,
    boundAt: checkpoint.time,
  })
  const admitted = admit(judge(context.policy))
  for (const id of request.artifacts) requireArtifact(id, judge, checkpoint, context)
  await requireSameLog(checkpoint, context.log)
  return admitted
}

/**
 * The policy in force has admitted the workload already; here its owner does, by one whole tuple of the policy that came
 * with the key. Unknown and not admitted are one answer: a stranger does not learn which artifacts exist.
 */
function requireArtifact(
  id: string,
  judge: Judge,
  checkpoint: WitnessedCheckpoint,
  { state, now }: ReleaseContext,
): void {
  const artifact = state.artifacts.get(id)
  // What is under a contract leaves for its runs alone.
  const policy =
    artifact === undefined || artifact.contract !== undefined ? undefined : policyOf(state, artifact)
  if (policy === undefined || !judge(policy).admitted)
    throw kmsError('KMS_NOT_ADMITTED', 'a sealed artifact is not open to this workload', { found: id })
  requireFresh(checkpoint, policy.document.evidenceMaxAgeSeconds, now)
}
