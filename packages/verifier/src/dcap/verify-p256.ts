import { concat } from '@sotto/protocol/bytes'
import { verifyRawSignature, type Certificate, type PublicKey } from '@sotto/protocol/x509'

/**
 * Whether a raw signature (r then s) is of the key of a certificate; false for a key that is not on P-256.
 *
 * @param isDocument of an authority of Intel, whose documents come again and again: then it is verified once
 */
export function isSignedByCertificate(
  { publicKey }: Pick<Certificate, 'publicKey'>,
  message: Uint8Array,
  signature: Uint8Array,
  isDocument = false,
): boolean {
  if (publicKey.type !== 'ec' || publicKey.curve !== 'P-256') return false
  try {
    return verifyRawSignature(publicKey, { name: 'ecdsa', hash: 'sha256' }, message, signature, isDocument)
  } catch {
    return false
  }
}

/** Whether a raw signature is of a raw point (x then y); false for a point off the curve. */
export function isSignedByPoint(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const publicKey: PublicKey = { type: 'ec', curve: 'P-256', point: concat(Uint8Array.of(4), point) }
  return isSignedByCertificate({ publicKey }, message, signature)
}
