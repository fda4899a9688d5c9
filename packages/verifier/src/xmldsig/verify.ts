import { equalBytes } from '@sotto/protocol/bytes'
import { publicCrypto, type VerifyingKey } from '@sotto/protocol/crypto-backend'
import type { PublicKey } from '@sotto/protocol/x509'
import { canonicalXml } from './canonical.ts'
import type { XmlSignature } from './signature.ts'

/** Bytes of ECDSA P-384 signatures: XML Signature 1.1 Section 6.4.3 has r then s, not DER. */
const SIGNATURE_BYTES = 96

/** Whether the document is the one that was signed: digest of the root element without its signature. */
export function verifyDigest({ signed, element, digestAlgorithm, digestValue }: XmlSignature): boolean {
  return equalBytes(publicCrypto.hash(digestAlgorithm, canonicalXml(signed, element)), digestValue)
}

/** Whether the holder of this key signed SignedInfo, and by it the digest. False for a key that is none of P-384. */
export function verifySignedInfo(
  { signedInfo, signatureValue }: XmlSignature,
  publicKey: PublicKey,
): boolean {
  if (publicKey.type !== 'ec' || publicKey.curve !== 'P-384' || signatureValue.length !== SIGNATURE_BYTES)
    return false
  let key: VerifyingKey
  try {
    key = publicCrypto.ecdsa.importPublic('P-384', 'sha384', publicKey.point)
  } catch {
    return false
  }
  return key.verify(canonicalXml(signedInfo), signatureValue)
}
