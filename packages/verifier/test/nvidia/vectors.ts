import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import {
  choosePieces,
  type Collateral,
  type EvidenceInput,
  type EvidenceVerdict,
} from '@sotto/verifier/family'
import { nrasKeysOf, type NvidiaPolicy, verifyNvidia } from '@sotto/verifier/nvidia'

/** Evidence of real devices and of NVIDIA's service, where it is there. */
export const folder = join(
  process.env['SOTTO_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors'),
  'attestation/nvidia',
)
export const present = existsSync(folder)
if (!present && process.env['CI']) throw new Error(`vectors are missing: ${folder}`)

export interface Vector {
  name: string
  pieces: Record<string, Uint8Array>
  at: number
  expect: Record<string, unknown> & { strict_policy_result: string; reject_reason?: string | null }
}

/** Every directory with what it says about itself. */
export function loadVectors(): Vector[] {
  if (!present) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('expected.json'))
    .map((file) => {
      const { files, verify_at, expect } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
        files: string[]
        verify_at: string
        expect: Vector['expect']
      }
      const read = (piece: string): Uint8Array =>
        new Uint8Array(readFileSync(join(folder, dirname(file), piece)))
      return {
        name: dirname(file),
        pieces: Object.fromEntries(files.map((piece) => [piece, read(piece)])),
        at: Date.parse(verify_at) / 1000,
        expect,
      }
    })
}

/** A vector by a part of its name. */
export function vector(part: string): Vector {
  return loadVectors().find(({ name }) => name.endsWith(part))!
}

/** Evidence and collateral by content; a key set without certificates counts only because the policy names its keys. */
export function inputOf(
  { pieces, at, expect }: Vector,
  policy: NvidiaPolicy = {},
): EvidenceInput<NvidiaPolicy> {
  const chosen = choosePieces(pieces)!
  const nonce = (expect['policy'] as { expected_nonce?: string } | undefined)?.expected_nonce
  const keySet = Object.values(pieces).find((piece) =>
    new TextDecoder().decode(piece.subarray(0, 16)).includes('"keys"'),
  )
  return {
    evidence: chosen.evidence,
    collateral: chosen.collateral,
    at,
    policy: { ...(keySet && { nrasKeys: nrasKeysOf(keySet) }), ...policy },
    ...(nonce !== undefined && { expectedReportData: new Uint8Array(Buffer.from(nonce, 'hex')) }),
  }
}

export function judge(one: Vector, policy?: NvidiaPolicy): EvidenceVerdict {
  return verifyNvidia(inputOf(one, policy))
}

/** Classes of everything that failed. */
export function failures({ steps }: EvidenceVerdict): string[] {
  return steps.filter(({ status }) => status === 'fail').map(({ name, class: of }) => `${name} ${of}`)
}

export function without(collateral: Collateral, name: string): Collateral {
  return Object.fromEntries(Object.entries(collateral).filter(([other]) => other !== name))
}
