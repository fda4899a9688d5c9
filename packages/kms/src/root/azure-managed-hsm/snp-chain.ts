import { equalBytes, fromUtf8 } from '@sotto/protocol/bytes'
import { type Certificate, certificatesOfPem, derToPem, parseCertificate } from '@sotto/protocol/x509'
import { kmsError } from '../../errors.ts'

/** First bytes of DER, and of COSE_Sign1: tag 18, or an array of four. */
const DER = 0x30
const COSE = [0xd2, 0x84]
/** Leaf, intermediate, root. */
const MAX_CHAIN = 4

/** What Azure Attestation takes beside a report. */
export interface SnpChain {
  /** PEM: the chip's certificate first, AMD's root last. */
  chain: string
  /** COSE_Sign1 about a utility VM. */
  endorsements: Uint8Array[]
}

/**
 * Puts the certificates that came with a report into the order of a chain. The host chose them, and nothing is
 * proven about them: the attestation service verifies.
 * @throws `KMS_HSM_HARDWARE` when there is no certificate of a chip
 */
export function splitSnpCollateral(pieces: readonly Uint8Array[]): SnpChain {
  const certificates = pieces.flatMap(readCertificates)
  const leaf = certificates.find(({ commonName }) => commonName === 'SEV-VCEK' || commonName === 'SEV-VLEK')
  if (leaf === undefined)
    throw kmsError('KMS_HSM_HARDWARE', 'this machine has no certificate of its chip', {
      hint: 'Put it and AMD’s chain into /run/sotto/collateral/sev-snp.json: sotto collateral fetch, then pack.',
    })
  const chain = [leaf]
  for (let last = leaf; chain.length < MAX_CHAIN;) {
    const issuer = certificates.find(
      (certificate) => !chain.includes(certificate) && equalBytes(certificate.subject, last.issuer),
    )
    if (issuer === undefined) break
    chain.push((last = issuer))
  }
  return {
    chain: chain.map(({ der }) => derToPem(der, 'CERTIFICATE')).join(''),
    endorsements: pieces.filter((piece) => COSE.includes(piece[0]!)),
  }
}

/** Revocation lists and what else may lie there are left out. */
function readCertificates(piece: Uint8Array): Certificate[] {
  try {
    if (piece[0] === DER) return [parseCertificate(piece)]
    return COSE.includes(piece[0]!)
      ? []
      : certificatesOfPem(fromUtf8(piece)).map((der) => parseCertificate(der))
  } catch {
    return []
  }
}
