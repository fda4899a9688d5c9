import { concat } from '@sotto/protocol/bytes'
import { publicCrypto, type VerifyingKey } from '@sotto/protocol/crypto-backend'
import type { Certificate } from '@sotto/protocol/x509'

/** Keys of certificates that were used before: an import costs half a verification. */
const imported = new WeakMap<Certificate, VerifyingKey>()

/** Whether a raw signature (r then s) is of the key of a certificate; false for a key that is not on P-256. */
export function isSignedByCertificate(
  certificate: Certificate,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { publicKey } = certificate
  if (publicKey.type !== 'ec' || publicKey.curve !== 'P-256') return false
  try {
    const key =
      imported.get(certificate) ?? publicCrypto.ecdsa.importPublic('P-256', 'sha256', publicKey.point)
    imported.set(certificate, key)
    return key.verify(message, signature)
  } catch {
    return false
  }
}

/** Whether a raw signature is of a raw point (x then y); false for a point off the curve. */
export function isSignedByPoint(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const uncompressed = concat(Uint8Array.of(4), point)
    return publicCrypto.ecdsa.importPublic('P-256', 'sha256', uncompressed).verify(message, signature)
  } catch {
    return false
  }
}
