import { fromBase64Url } from '@sotto/protocol/bytes'
import type { Evidence, EvidenceFamily } from '@sotto/protocol/keyrelease'
import { type EvidencePiece, FAMILY_REGISTRY, type PieceVerdict } from '../appraisal/index.ts'
import type { FieldObject, FieldValue } from '../family/index.ts'

/** Evidence of a message as bytes. Nothing in it is proven. */
export function evidencePieces(evidence: Evidence): EvidencePiece[] {
  return evidence.map(({ family, evidence: piece, collateral }) => ({
    family,
    evidence: fromBase64Url(piece),
    collateral: Object.fromEntries(
      Object.entries(collateral).map(([name, bytes]) => [name, fromBase64Url(bytes)]),
    ),
  }))
}

/** Fields by which the verdict of a family names its chip or machine. */
const CHIP_FIELDS: Partial<Record<EvidenceFamily, readonly string[]>> = {
  'sev-snp': ['chip_id'],
  software: ['chip_id'],
  'azure-cvm': ['snp', 'chip_id'],
  tdx: ['ppid'],
  sgx: ['ppid'],
  nitro: ['module_id'],
}
const MAX_CHIP_CHARACTERS = 200

/**
 * What evidence was made by, for records (T4): `family chip` of each processor and of each GPU, the family alone
 * where its evidence names none.
 */
export function hardwareOf(verdicts: readonly PieceVerdict[]): string[] {
  return verdicts.flatMap(({ family, fields }) => {
    const devices = FAMILY_REGISTRY.get(family)!.devicesOf?.(fields)
    const chips = devices?.map(([id]) => id) ?? [fieldOf(fields, CHIP_FIELDS[family])]
    return chips.map((chip) =>
      typeof chip === 'string' && /^[\x21-\x7e]+$/.test(chip)
        ? `${family} ${chip.slice(0, MAX_CHIP_CHARACTERS)}`
        : family,
    )
  })
}

function fieldOf(fields: FieldObject, path: readonly string[] | undefined): FieldValue | undefined {
  return path?.reduce<FieldValue | undefined>(
    (value, name) => (value as FieldObject | undefined)?.[name],
    fields,
  )
}
