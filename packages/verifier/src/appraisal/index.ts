export { appraiseEvidence, type AppraisalContext, type EvidencePiece } from './appraise.ts'
export { BINDINGS, type FamilyBinding, isHardwareFamily, isProcessorFamily } from './bindings.ts'
export { type Change, isSame, listOf } from './compare.ts'
export { isCovered, type MembersOf } from './compare-tuples.ts'
export { isObject, type Meaning, type Members } from './meaning.ts'
export { describeDiff, diffPolicies, type PolicyDiff } from './diff.ts'
export { explainPolicy, explainTuple } from './explain.ts'
export { commitToGpus, gpuNonce } from './gpu-commitment.ts'
export { lintPolicy, type LintFinding } from './lint.ts'
export { type CaseExpectation, type CaseResult, type PolicyCase, testPolicy } from './test-policy.ts'
export { admissionTuples, encodeEvidencePolicy, evidencePolicyDigest, parseEvidencePolicy } from './parse.ts'
export type {
  AdmissionTuple,
  Component,
  EvidencePolicy,
  Freshness,
  JsonObject,
  PolicyFamily,
  Window,
} from './types.ts'
export type { EvidenceAppraisal, PieceVerdict, TupleVerdict } from './verdict.ts'
export { FAMILY_REGISTRY, type Families, type FamilyEntry } from './families.ts'
export { verifyFamily } from '../family/registry.ts'
