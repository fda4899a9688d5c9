import { pae } from '../dsse/index.ts'
import { type PublicKey, verifySignature } from '../x509/index.ts'
import { omsError } from './errors.ts'
import { OMS_PAYLOAD_TYPE } from './types.ts'

/** id-kp-codeSigning (RFC 5280 Section 4.2.1.12). */
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'

/** The hash that goes with a curve (sigstore protobuf-specs, PublicKeyDetails). */
const HASHES = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const

/**
 * Whether an elliptic-curve key signed the message: ECDSA with the hash of its curve, as DER. False for other keys.
 *
 * @param isPinned whether the verifier's own trust names the key: then a signature that verified is remembered
 */
export function isEcdsaSignature(
  publicKey: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
  isPinned = false,
): boolean {
  if (publicKey.type !== 'ec') return false
  const algorithm = { name: 'ecdsa', hash: HASHES[publicKey.curve] } as const
  return verifySignature(publicKey, algorithm, message, signature, isPinned)
}

/** Refuses an envelope that the key did not sign. @throws `OMS_SIGNATURE` (stop) */
export function requireSignature(publicKey: PublicKey, payload: Uint8Array, signature: Uint8Array): void {
  if (!isEcdsaSignature(publicKey, pae(OMS_PAYLOAD_TYPE, payload), signature))
    throw omsError('OMS_SIGNATURE', 'the signature does not cover this manifest')
}
