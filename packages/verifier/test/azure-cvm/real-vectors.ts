import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fromHex } from '@sotto/protocol/bytes'
import type { AzureCvmPolicy } from '@sotto/verifier/azure-cvm'
import { type EvidenceInput, recogniseEvidence } from '@sotto/verifier/family'

const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation/azure-cvm',
)
export const areVectorsPresent = existsSync(folder)
if (!areVectorsPresent && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

/** Printed where the vectors are not there. */
export const WHY_SKIPPED = '(skipped: SOTTO_VECTORS has no attestation/azure-cvm)'

/** One vector: what came from a real virtual machine and what a verifier must say about it. */
export interface RealVector {
  name: string
  input: EvidenceInput<AzureCvmPolicy>
  /** How a strict verifier decides; undefined for reports alone. */
  result: string | undefined
  reason: string | undefined
  fields: Record<string, unknown>
}

/** Every vector; none where they are not there. */
export function realVectors(): RealVector[] {
  if (!areVectorsPresent) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('expected.json'))
    .map((name) => load(dirname(name)))
}

function load(name: string): RealVector {
  const { verify_at: time, expect } = JSON.parse(
    readFileSync(join(folder, name, 'expected.json'), 'utf8'),
  ) as {
    verify_at: string | null
    expect: Record<string, unknown> & { tpm_quote?: { nonce_hex: string } }
  }
  let evidence = new Uint8Array(0)
  const collateral: Record<string, Uint8Array> = {}
  for (const file of readdirSync(join(folder, name))) {
    const bytes = new Uint8Array(readFileSync(join(folder, name, file)))
    if (recogniseEvidence(bytes) === 'azure-cvm') evidence = bytes
    else if (!file.endsWith('.json')) collateral[file] = bytes
  }
  const { strict_policy_result: result, reject_reason: reason, ...fields } = expect
  const nonce = expect.tpm_quote?.nonce_hex
  return {
    name,
    input: {
      evidence,
      collateral,
      at: time === null ? 0 : Date.parse(time) / 1000,
      ...(nonce !== undefined && { expectedReportData: fromHex(nonce) }),
    },
    result: result as string | undefined,
    reason: reason as string | undefined,
    fields,
  }
}
