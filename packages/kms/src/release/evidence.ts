import { hasCode } from '@sotto/protocol/errors'
import type { Digest, Evidence, Role, UnixSeconds } from '@sotto/protocol/keyrelease'
import type { LogClient, WitnessedCheckpoint } from '@sotto/serve/log-client'
import { type AppraisalContext, appraiseEvidence, type EvidenceAppraisal } from '@sotto/verifier/appraisal'
import { admissionPolicyOf, evidencePieces, hardwareOf } from '@sotto/verifier/workload'
import { kmsError } from '../errors.ts'
import type { AcceptedPolicy } from '../state/index.ts'

/** A workload that may hold the keys: authentic, fresh, bound to its wrapping key, and admitted. */
export interface AdmittedWorkload {
  /** Name of the one tuple that admits it as a whole. */
  tuple: string
  /** What it runs on, see `hardwareOf`. */
  hardware: string[]
}

/** Judges one piece of evidence by one policy. */
export type Judge = (policy: Pick<AcceptedPolicy, 'digest' | 'document'>) => EvidenceAppraisal

/** Judges evidence under the tuples of one role, once for each policy: many artifacts have the same. */
export function createJudge(
  role: Role,
  evidence: Evidence,
  context: Required<Pick<AppraisalContext, 'at' | 'expectedReportData' | 'boundAt'>>,
): Judge {
  const pieces = evidencePieces(evidence)
  const known = new Map<string, EvidenceAppraisal>()
  return ({ digest, document }) => {
    const appraisal =
      known.get(digest) ?? appraiseEvidence(pieces, admissionPolicyOf(document, role), context)
    known.set(digest, appraisal)
    return appraisal
  }
}

/** What a judgement admits. @throws `KMS_EVIDENCE_REFUSED`, `KMS_NOT_ADMITTED` */
export function admit(appraisal: EvidenceAppraisal): AdmittedWorkload {
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

/** The checkpoint that evidence is bound to. @throws `KMS_CHECKPOINT_INVALID` */
export function verifyBoundCheckpoint(note: string, digest: Digest, log: LogClient): WitnessedCheckpoint {
  let checkpoint: WitnessedCheckpoint
  try {
    checkpoint = log.verifyNote(note)
  } catch (cause) {
    throw kmsError('KMS_CHECKPOINT_INVALID', 'the bound checkpoint is not of our log, or lacks witnesses', {
      cause,
    })
  }
  if (checkpoint.digest === digest) return checkpoint
  throw kmsError('KMS_CHECKPOINT_INVALID', 'the evidence is bound to another checkpoint')
}

/** @throws `KMS_CHECKPOINT_STALE` */
export function requireFresh(checkpoint: WitnessedCheckpoint, maxAgeSeconds: number, now: UnixSeconds): void {
  const age = now - checkpoint.time
  if (age <= maxAgeSeconds) return
  throw kmsError('KMS_CHECKPOINT_STALE', 'the evidence is too old', {
    expected: `at most ${maxAgeSeconds} s`,
    found: `${age} s`,
    hint: 'Collect evidence over a newer checkpoint.',
  })
}

/**
 * The workload saw the same history as we did, or a longer one that extends it.
 * @throws `KMS_CHECKPOINT_INVALID`, `LOG_UNREACHABLE`
 */
export async function requireSameLog(checkpoint: WitnessedCheckpoint, log: LogClient): Promise<void> {
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
