import {
  appraiseEvidence,
  type AppraisalContext,
  type EvidenceAppraisal,
  type EvidencePiece,
  type EvidencePolicy,
  parseEvidencePolicy,
} from '@sotto/verifier/appraisal'
import { binding, FAKE_FAMILIES, fakeEvidence, type FakeReport } from './fake-families.ts'

export const NOW = 100_000
export const CONTEXT: AppraisalContext = { at: NOW, expectedReportData: binding(), boundAt: NOW - 60 }

export function policy(anyOf: object[], changes: object = {}): EvidencePolicy {
  return parseEvidencePolicy(
    { version: 1, name: 'p', anyOf, freshness: 'nonce', evidenceMaxAgeSeconds: 3600, ...changes },
    FAKE_FAMILIES,
  )
}

export const tuple = (name: string, snp: object, changes: object = {}): object => ({
  name,
  allOf: [{ family: 'sev-snp', ...snp }],
  ...changes,
})

export function piece(
  changes: Partial<FakeReport> = {},
  family: EvidencePiece['family'] = 'sev-snp',
  collateral: Record<string, Uint8Array> = {},
): EvidencePiece {
  return { family, evidence: fakeEvidence(binding(), changes), collateral }
}

export function judge(
  pieces: EvidencePiece[],
  of: EvidencePolicy,
  context: Partial<Record<keyof AppraisalContext, unknown>> = {},
): EvidenceAppraisal {
  const all = { ...CONTEXT, ...context }
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return appraiseEvidence(pieces, of, given as unknown as AppraisalContext, FAKE_FAMILIES)
}

/** Failed or skipped steps of the only tuple. */
export function stepsOf({ tuples }: EvidenceAppraisal, status: 'fail' | 'skipped' = 'fail'): string[] {
  return tuples.flatMap(({ steps }) => steps.filter((step) => step.status === status).map(({ name }) => name))
}
