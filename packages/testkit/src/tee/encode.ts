import { toBase64Url } from '@sotto/protocol/bytes'
import type { EvidenceFamily, EvidencePiece } from '@sotto/protocol/keyrelease'

/** A piece as it stands in a message. */
export function encodePiece(
  family: EvidenceFamily,
  evidence: Uint8Array,
  collateral: Readonly<Record<string, Uint8Array>> = {},
): EvidencePiece {
  const pieces = Object.entries(collateral).map(([name, bytes]) => [name, toBase64Url(bytes)])
  return { family, evidence: toBase64Url(evidence), collateral: Object.fromEntries(pieces) }
}
