import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fromHex } from '@sotto/protocol/bytes'
import type { EvidenceInput } from '@sotto/verifier/family'
import { REPORT_BYTES, type SevSnpPolicy } from '@sotto/verifier/snp'

/** Folder of published vectors of all families. */
export const vectorFolder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation',
)
const folder = join(vectorFolder, 'sev-snp')
export const areVectorsPresent = existsSync(folder)
if (!areVectorsPresent && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

/** Printed where the vectors are not there. */
export const WHY_SKIPPED = '(skipped: SOTTO_VECTORS has no attestation/sev-snp)'

/** One vector: what came from real hardware and what a verifier must say about it. */
export interface RealVector {
  name: string
  /** Undefined for certificates alone. */
  report: Uint8Array | undefined
  collateral: Record<string, Uint8Array>
  at: number
  expect: Record<string, unknown>
}

/** Every vector; none where they are not there. The report is told by its length, as names say nothing. */
export function realVectors(): RealVector[] {
  if (!areVectorsPresent) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('expected.json'))
    .map((name) => load(dirname(name)))
}

function load(name: string): RealVector {
  const path = join(folder, name)
  const { verify_at: time, expect } = JSON.parse(readFileSync(join(path, 'expected.json'), 'utf8')) as {
    verify_at: string | null
    expect: Record<string, unknown>
  }
  let report: Uint8Array | undefined
  const collateral: Record<string, Uint8Array> = {}
  for (const file of readdirSync(path)) {
    if (file === 'expected.json') continue
    const bytes = new Uint8Array(readFileSync(join(path, file)))
    if (bytes.length === REPORT_BYTES) report = bytes
    else collateral[file] = bytes
  }
  return { name, report, collateral, at: time === null ? 0 : Date.parse(time) / 1000, expect }
}

/** What the verifier is given for a vector. */
export function inputOf({ report, collateral, at, expect }: RealVector): EvidenceInput<SevSnpPolicy> {
  const policy = expect['policy']
  const expected =
    typeof policy === 'object' && policy !== null
      ? (policy as { expected_report_data?: string }).expected_report_data
      : undefined
  return {
    evidence: report!,
    collateral,
    at,
    ...(expected !== undefined && { expectedReportData: fromHex(expected) }),
  }
}
