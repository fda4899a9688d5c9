import { equalBytes } from '@sotto/protocol/bytes'
import type { RsaPublicKey } from '@sotto/protocol/crypto-backend'
import { type Certificate, type VerifiedPath, verifyPath } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { withX509 } from '../family/index.ts'

/** tcg-kp-AIKCertificate (TCG "Credential Profiles for TPM Family 2.0", Section 3.2). */
const AIK_PURPOSE = '2.23.133.8.3'
/** subjectAltName is critical where the subject is empty (RFC 5280 Section 4.2.1.6); no name in it decides anything here. */
const KNOWN_CRITICAL = ['2.5.29.17']
/** Certificate, two intermediates, root. */
const MAX_PATH = 5

/** The certificate of this attestation key among others; else one that claims to be of such a key. */
export function selectAkCertificate(
  certificates: readonly Certificate[],
  key: RsaPublicKey,
): Certificate | undefined {
  const leaves = certificates.filter(({ basicConstraints }) => basicConstraints?.ca !== true)
  return leaves.find((certificate) => isOf(certificate, key)) ?? leaves[0]
}

/**
 * Verifies that Microsoft certified this key as the attestation key of a virtual TPM.
 *
 * @param others intermediates in any order, surplus ones included
 * @throws Refusal of class `certificate-binding`, `chain` or `expired`
 */
export function verifyAkCertificate(
  certificate: Certificate,
  others: readonly Certificate[],
  key: RsaPublicKey,
  root: Certificate,
  at: number,
): VerifiedPath {
  if (!isOf(certificate, key))
    throw new Refusal(
      'the certificate is of another key than HCLAkPub',
      undefined,
      certificate.subjectText,
      'certificate-binding',
    )
  const { extendedKeyUsage: purposes = [] } = certificate
  if (!purposes.includes(AIK_PURPOSE))
    throw new Refusal('the certificate is for another purpose', AIK_PURPOSE, purposes.join(', '), 'chain')
  return withX509('the certificate of the attestation key', () =>
    verifyPath(pathOf(certificate, others), {
      roots: [root],
      at,
      knownCritical: KNOWN_CRITICAL,
      maxLength: MAX_PATH,
    }),
  )
}

/** Follows issuer names as far as they lead. Whether each link holds is for `verifyPath` to say. */
function pathOf(leaf: Certificate, others: readonly Certificate[]): Certificate[] {
  const path = [leaf]
  while (path.length < MAX_PATH) {
    const last = path[path.length - 1]!
    const issuer = others.find((other) => equalBytes(other.subject, last.issuer) && !path.includes(other))
    if (issuer === undefined) break
    path.push(issuer)
  }
  return path
}

function isOf({ publicKey }: Certificate, { modulus, exponent }: RsaPublicKey): boolean {
  return (
    publicKey.type === 'rsa' &&
    equalBytes(publicKey.modulus, modulus) &&
    equalBytes(publicKey.exponent, exponent)
  )
}
