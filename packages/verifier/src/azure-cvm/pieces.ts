import { fromUtf8 } from '@sotto/protocol/bytes'
import {
  type Certificate,
  certificatesOfPem,
  parseCertificate,
  parseCertificatePrefix,
} from '@sotto/protocol/x509'
import type { Collateral } from '../family/index.ts'
import { isEndorsementKey } from '../snp/kds.ts'

/** An attestation key has a certificate, one or two intermediates and a root; the rest is surplus. */
const MAX_CERTIFICATES = 8
const MAX_PIECE_BYTES = 65_536
const DER_SEQUENCE = 0x30
const DASH = 0x2d

/** What came beside the evidence, by whom it concerns. */
export interface AzurePieces {
  /** Certificates of the virtual TPM, in any order. Nothing is proven about them. */
  vtpm: Certificate[]
  /** Certificates of chips, for SEV-SNP: only where none stands in the evidence itself. */
  chips: Collateral
  /** For the family of the hardware report, besides. */
  hardware: Collateral
}

/**
 * Tells certificates of the virtual TPM from everything else by how they are signed: Microsoft's
 * certification authorities for it use RSASSA-PKCS1-v1_5, AMD RSASSA-PSS, Intel ECDSA. What cannot be read
 * is left to the family of the hardware, which refuses it. Names of pieces say nothing.
 */
export function sortPieces(collateral: Collateral): AzurePieces {
  const vtpm: Certificate[] = []
  const chips: Record<string, Uint8Array> = {}
  const hardware: Record<string, Uint8Array> = {}
  for (const [name, piece] of Object.entries(collateral)) {
    const certificates = readCertificates(piece)
    const isVtpm =
      certificates.length > 0 &&
      vtpm.length + certificates.length <= MAX_CERTIFICATES &&
      certificates.every(({ signatureAlgorithm }) => signatureAlgorithm.name === 'rsa-pkcs1')
    if (isVtpm) vtpm.push(...certificates)
    // Prefixed: no name that was given can stand for one of ours, or for the prototype.
    else if (certificates.length === 1 && isEndorsementKey(certificates[0]!)) chips[`given ${name}`] = piece
    else hardware[`given ${name}`] = piece
  }
  return { vtpm, chips, hardware }
}

/** Certificates of a piece; none where it is something else. */
function readCertificates(piece: Uint8Array): Certificate[] {
  if (piece.length > MAX_PIECE_BYTES) return []
  try {
    // The NV index of the certificate is larger than it. What follows is signed by nobody and ignored.
    if (piece[0] === DER_SEQUENCE) return [parseCertificatePrefix(piece).certificate]
    if (piece[0] === DASH) return certificatesOfPem(fromUtf8(piece)).map(parseCertificate)
  } catch {
    // Not for this family to name: see above.
  }
  return []
}
