import type { EvidenceVerdict } from '@sotto/verifier/family'
import { EXIT } from '../framework/index.ts'

/**
 * Exit code of a verdict about evidence: 0 acceptable; 6 nothing speaks against it but that something it
 * needs was not given; 3 not authentic; 5 authentic and refused.
 */
export function exitCodeOfEvidence({
  authentic,
  acceptable,
  steps,
}: Pick<EvidenceVerdict, 'authentic' | 'acceptable' | 'steps'>): number {
  if (acceptable) return EXIT.ok
  const failed = steps.filter(({ status }) => status === 'fail')
  const isUndecided = failed.length > 0 && failed.every((step) => step.class === 'collateral-missing')
  if (isUndecided) return EXIT.undecided
  return authentic ? EXIT.refused : EXIT.notAuthentic
}
