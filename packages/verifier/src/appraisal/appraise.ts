import type { Collateral } from '../family/index.ts'
import { type Families, FAMILY_REGISTRY } from './families.ts'
import { runChecks } from '../checks/index.ts'
import { commitToGpus, BINDING_BYTES } from './gpu-commitment.ts'
import { createJudge, type Judge } from './judge.ts'
import { TUPLE_CHECKS, type TupleFacts } from './tuple-checks.ts'
import type { AdmissionTuple, EvidencePolicy, PolicyFamily } from './types.ts'
import type { EvidenceAppraisal, TupleVerdict } from './verdict.ts'

/** One piece of evidence and what came with it. Everything in it is its sender's claim. */
export interface EvidencePiece {
  family: PolicyFamily
  evidence: Uint8Array
  collateral: Collateral
}

/** What an appraisal depends on besides evidence and policy: no clock, no network, no file. */
export interface AppraisalContext {
  /** Time of checking, Unix seconds. */
  at: number
  /** See {@link EvidenceInput.trustKeySets}. */
  trustKeySets?: boolean
  /** What the evidence must be bound to, 64 bytes: the hash of the keys it vouches for and of a nonce or checkpoint. */
  expectedReportData?: Uint8Array
  /** When the nonce was handed out, or the checkpoint witnessed, that the binding is made of, Unix seconds. */
  boundAt?: number
}

/** A CPU, a token for it, and the GPUs of one machine; more is an attack on the verifier's time. */
const MAX_PIECES = 20

/**
 * Whether a policy admits this evidence: one tuple must hold as a whole. Values of two tuples never mix, every
 * piece must be what the tuple asks for, and a GPU counts only where the processor commits to it (T9). Never
 * throws: what is wrong with evidence, or with a policy that was not parsed, is a failed step.
 *
 * @param policy of `parseEvidencePolicy`
 */
export function appraiseEvidence(
  pieces: readonly EvidencePiece[],
  policy: EvidencePolicy,
  context: AppraisalContext,
  families: Families = FAMILY_REGISTRY,
): EvidenceAppraisal {
  const given = pieces.length > MAX_PIECES ? [] : pieces
  const judge = createJudge(given, families, { ...context, ...expectationOf(given, context) })
  const tuples: TupleVerdict[] = []
  let facts: TupleFacts | undefined
  for (const tuple of policy.anyOf) {
    const result = judgeTuple(tuple, given, policy, context, families, judge)
    tuples.push(result.verdict)
    if (!result.verdict.admitted) continue
    ;({ facts } = result)
    break
  }
  const admitting = facts === undefined ? undefined : tuples.at(-1)!
  return {
    admitted: admitting !== undefined,
    tuple: admitting?.name ?? null,
    reason: admitting === undefined ? closestReason(tuples) : null,
    software: given.some(({ family }) => family === 'software'),
    tuples,
    trustedParties: [...new Set((admitting?.pieces ?? []).flatMap(({ trustedParties }) => trustedParties))],
    validUntil: facts?.validUntil ?? null,
  }
}

/** What the evidence of a processor carries: the binding, or beside GPUs a commitment to it and to them. */
function expectationOf(
  pieces: readonly EvidencePiece[],
  { expectedReportData: binding }: AppraisalContext,
): Pick<AppraisalContext, 'expectedReportData'> & { binding?: Uint8Array } {
  if (binding === undefined) return {}
  const gpus = pieces.filter(({ family }) => family === 'nvidia').map(({ evidence }) => evidence)
  // A binding of another length is refused by a step, and compared as it is until then.
  if (binding.length !== BINDING_BYTES || gpus.length === 0) return { binding, expectedReportData: binding }
  return { binding, expectedReportData: commitToGpus(binding, gpus) }
}

function judgeTuple(
  tuple: AdmissionTuple,
  pieces: readonly EvidencePiece[],
  policy: EvidencePolicy,
  context: AppraisalContext,
  families: Families,
  judge: Judge,
): { verdict: TupleVerdict; facts: TupleFacts } {
  const facts: TupleFacts = { tuple, pieces, policy, context, families, judge }
  const { ok, steps } = runChecks(TUPLE_CHECKS, facts)
  const failed = steps.find(({ status }) => status === 'fail')
  const verdict: TupleVerdict = {
    name: tuple.name,
    admitted: ok,
    reason: ok ? null : (failed?.class ?? 'malformed'),
    steps,
    pieces: facts.verdicts ?? [],
  }
  return { verdict, facts }
}

/** Of several refusals, that of the tuple about the same kinds of evidence with the fewest failures. */
function closestReason(tuples: readonly TupleVerdict[]): TupleVerdict['reason'] {
  const distance = ({ steps, pieces }: TupleVerdict): number =>
    (pieces.length === 0 ? 1000 : 0) +
    [...steps, ...pieces.flatMap((piece) => piece.steps)].filter(({ status }) => status === 'fail').length
  const [closest] = [...tuples].sort((a, b) => distance(a) - distance(b))
  return closest?.reason ?? 'malformed'
}
