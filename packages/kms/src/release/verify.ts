import { hasCode } from '@sotto/protocol/errors'
import { bindReportData, type ReleaseRequest, type UnixSeconds } from '@sotto/protocol/keyrelease'
import type { LogClient, WitnessedCheckpoint } from '@sotto/serve/log-client'
import { appraiseEvidence, type EvidenceAppraisal } from '@sotto/verifier/appraisal'
import { evidencePieces, evidencePolicyOf, hardwareOf } from '@sotto/verifier/workload'
import { kmsError } from '../errors.ts'
import type { AcceptedPolicy, KmsState } from '../state/index.ts'

/** What a request for keys is judged by. */
export interface ReleaseContext {
  state: KmsState
  policy: AcceptedPolicy
  log: LogClient
  now: UnixSeconds
}

/** A workload that may hold the keys: authentic, fresh, bound to its wrapping key, and admitted. */
export interface AdmittedWorkload {
  /** Name of the one tuple that admits it as a whole. */
  tuple: string
  /** What it runs on, see `hardwareOf`. */
  hardware: string[]
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
): Promise<AdmittedWorkload> {
  const { binding } = request
  if (binding.genesis !== context.state.identity!.digest) {
    throw kmsError('KMS_WRONG_GENESIS', 'the evidence is bound to another KMS')
  }
  const checkpoint = verifyCheckpointOf(request, context)
  requireFresh(checkpoint, context.policy.document.evidenceMaxAgeSeconds, context.now)
  const judge = createJudge(request, checkpoint, context.now)
  const admitted = admit(judge(context.policy))
  for (const id of request.artifacts) requireArtifact(id, judge, checkpoint, context)
  await requireSameLog(checkpoint, context.log)
  return admitted
}

type Judge = (policy: AcceptedPolicy) => EvidenceAppraisal

/** Judges the evidence of a request, once for each policy: many artifacts have the same. */
function createJudge(request: ReleaseRequest, { time }: WitnessedCheckpoint, now: UnixSeconds): Judge {
  const pieces = evidencePieces(request.evidence)
  const expectedReportData = bindReportData('enclave', request.binding)
  const known = new Map<string, EvidenceAppraisal>()
  return ({ digest, document }) => {
    const appraisal =
      known.get(digest) ??
      appraiseEvidence(pieces, evidencePolicyOf(document), { at: now, expectedReportData, boundAt: time })
    known.set(digest, appraisal)
    return appraisal
  }
}

function admit(appraisal: EvidenceAppraisal): AdmittedWorkload {
  const { tuple, tuples } = appraisal
  const pieces = tuples.at(-1)?.pieces ?? []
  if (tuple !== null) return { tuple, hardware: hardwareOf(pieces) }
  const judged = tuples.map((refused) => refused.pieces).filter(({ length }) => length > 0)
  const isForged = judged.length > 0 && judged.every((of) => of.some(({ authentic }) => !authentic))
  // What of it is wrong in which way is not said: it would tell a stranger what the policy looks for.
  throw isForged
    ? kmsError('KMS_EVIDENCE_REFUSED', 'the evidence is not authentic, or bound to other values')
    : kmsError('KMS_NOT_ADMITTED', 'no tuple of the policy admits this workload as a whole')
}

function verifyCheckpointOf(request: ReleaseRequest, { log }: ReleaseContext): WitnessedCheckpoint {
  let checkpoint: WitnessedCheckpoint
  try {
    checkpoint = log.verifyNote(request.checkpoint)
  } catch (cause) {
    throw kmsError('KMS_CHECKPOINT_INVALID', 'the bound checkpoint is not of our log, or lacks witnesses', {
      cause,
    })
  }
  if (checkpoint.digest === request.binding.checkpoint) return checkpoint
  throw kmsError('KMS_CHECKPOINT_INVALID', 'the evidence is bound to another checkpoint')
}

function requireFresh(checkpoint: WitnessedCheckpoint, maxAgeSeconds: number, now: UnixSeconds): void {
  const age = now - checkpoint.time
  if (age <= maxAgeSeconds) return
  throw kmsError('KMS_CHECKPOINT_STALE', 'the evidence is too old', {
    expected: `at most ${maxAgeSeconds} s`,
    found: `${age} s`,
    hint: 'Collect evidence over a newer checkpoint.',
  })
}

/** Unknown and not admitted are one answer: a stranger does not learn which artifacts exist. */
function requireArtifact(
  id: string,
  judge: Judge,
  checkpoint: WitnessedCheckpoint,
  { state, now }: ReleaseContext,
): void {
  const artifact = state.artifacts.get(id)
  const policy = artifact === undefined ? undefined : state.policies.get(artifact.policy)
  if (policy === undefined)
    throw kmsError('KMS_NOT_ADMITTED', 'a sealed artifact is not open to this workload', { found: id })
  if (!judge(policy).admitted)
    throw kmsError('KMS_NOT_ADMITTED', 'a sealed artifact is not open to this workload', { found: id })
  requireFresh(checkpoint, policy.document.evidenceMaxAgeSeconds, now)
}

/** The workload saw the same history as we did, or a longer one that extends it. */
async function requireSameLog(checkpoint: WitnessedCheckpoint, log: LogClient): Promise<void> {
  const seen = log.lastSeen
  const ours = seen !== undefined && seen.size >= checkpoint.size ? seen : await log.latest()
  try {
    await log.proveConsistency(checkpoint, ours)
  } catch (cause) {
    if (hasCode(cause, 'LOG_UNREACHABLE')) throw cause
    throw kmsError('KMS_CHECKPOINT_INVALID', 'the bound checkpoint is of another history of the log', {
      cause,
    })
  }
}
