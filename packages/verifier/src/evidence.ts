import { equalBytes, fromBase64Url, toHex } from '@sotto/protocol/bytes'
import type { Evidence, EvidenceFamily, PolicyTuple } from '@sotto/protocol/keyrelease'
import { verifierError } from './errors.ts'
import { findGuestDefects, type SnpReport } from './snp/index.ts'
import { verifySoftwareReport } from './software/index.ts'

/** What evidence says once it is known to be authentic. Whether that is acceptable is another question. */
export interface VerifiedEvidence {
  family: EvidenceFamily
  /** Digest of the root that vouches for it. */
  root: string
  /** MEASUREMENT, 96 hexadecimal characters. */
  measurement: string
  /** HOST_DATA, 64 hexadecimal characters. */
  hostData: string
  /** CHIP_ID, 128 hexadecimal characters. */
  chip: string
  report: SnpReport
}

/** What authenticity is judged by. */
export interface EvidenceExpectation {
  /** Accepted roots by family. Nothing is accepted by default. */
  roots: readonly { family: EvidenceFamily; root: string }[]
  /** What REPORT_DATA must be: exactly 64 bytes, mandatory. There is no way to skip the comparison. */
  reportData: Uint8Array
}

/**
 * Verifies that evidence is authentic: structure, signature chain to an accepted root, and that it
 * is bound to exactly this data.
 *
 * @throws `EVIDENCE_MALFORMED`, `EVIDENCE_ROOT`, `EVIDENCE_SIGNATURE`, `EVIDENCE_BINDING`
 */
export function verifyEvidence(evidence: Evidence, expectation: EvidenceExpectation): VerifiedEvidence {
  const verified = authenticateEvidence(evidence, expectation.roots)
  requireReportData(verified, expectation.reportData)
  return verified
}

/** The first half of {@link verifyEvidence}: authentic, binding not compared yet. */
export function authenticateEvidence(
  evidence: Evidence,
  roots: EvidenceExpectation['roots'],
): VerifiedEvidence {
  const report = fromBase64Url(evidence.report)
  const chain = evidence.chain.map(fromBase64Url)
  const accepted = roots.filter(({ family }) => family === evidence.family).map(({ root }) => root)
  switch (evidence.family) {
    case 'software':
      return describe('software', verifySoftwareReport(report, chain, accepted))
    case 'snp':
      throw verifierError('EVIDENCE_ROOT', 'SEV-SNP evidence is not accepted by this version', {
        expected: 'a family this version verifies',
        found: 'snp',
      })
  }
}

/**
 * The second half: REPORT_DATA is exactly these 64 bytes.
 * @throws `EVIDENCE_BINDING` (stop); `TypeError` for an expectation that is not 64 bytes
 */
export function requireReportData(verified: VerifiedEvidence, reportData: Uint8Array): void {
  if (reportData.length !== 64) throw new TypeError('expected REPORT_DATA must be 64 bytes')
  if (equalBytes(verified.report.REPORT_DATA, reportData)) return
  throw verifierError('EVIDENCE_BINDING', 'report field REPORT_DATA is bound to something else', {
    expected: toHex(reportData),
    found: toHex(verified.report.REPORT_DATA),
  })
}

/**
 * Whether authentic evidence is the workload of one tuple: every field of it must match. Collects
 * every mismatch.
 *
 * @throws `EVIDENCE_REFUSED` (stop)
 */
export function appraiseTuple(verified: VerifiedEvidence, tuple: PolicyTuple): void {
  const mismatches: string[] = []
  const compare = (field: string, expected: string, found: string): void => {
    if (expected !== found) mismatches.push(`${field} is ${found}, expected ${expected}`)
  }
  compare('family', tuple.family, verified.family)
  compare('root', tuple.root, verified.root)
  compare('MEASUREMENT', tuple.measurement, verified.measurement)
  compare('HOST_DATA', tuple.hostData, verified.hostData)
  mismatches.push(...findGuestDefects(verified.report))
  if (mismatches.length > 0) {
    throw verifierError('EVIDENCE_REFUSED', `evidence is not the workload of tuple ${tuple.name}`, {
      expected: tuple.name,
      found: mismatches.join('; '),
    })
  }
}

/**
 * The first tuple this evidence satisfies as a whole: values of two tuples never mix.
 * @throws `EVIDENCE_REFUSED` (stop) naming what each tuple lacks
 */
export function appraiseAnyOf(verified: VerifiedEvidence, tuples: readonly PolicyTuple[]): PolicyTuple {
  const refusals: string[] = []
  for (const tuple of tuples) {
    try {
      appraiseTuple(verified, tuple)
      return tuple
    } catch (error) {
      refusals.push(`${tuple.name}: ${(error as { found?: string }).found ?? 'refused'}`)
    }
  }
  throw verifierError('EVIDENCE_REFUSED', 'no tuple of the policy admits this evidence', {
    expected: tuples.map(({ name }) => name).join(' or '),
    found: refusals.join(' | '),
  })
}

function describe(
  family: EvidenceFamily,
  { report, root }: { report: SnpReport; root: string },
): VerifiedEvidence {
  return {
    family,
    root,
    measurement: toHex(report.MEASUREMENT),
    hostData: toHex(report.HOST_DATA),
    chip: toHex(report.CHIP_ID),
    report,
  }
}
