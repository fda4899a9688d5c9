import type { ECDSA } from '@noble/curves/abstract/weierstrass.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { badKey, requireKeyLength } from './errors.ts'
import type { DhGroup, DhPrivateKey, EcdsaCurveName } from './types.ts'

/** noble's NIST curves. */
export const NOBLE_CURVES: Record<EcdsaCurveName, ECDSA> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 }

/** Bytes of a private key, and of a coordinate. */
export const SCALAR_LENGTHS: Record<EcdsaCurveName, number> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }

/** Diffie-Hellman on a NIST curve; a key is as ECDSA has it. */
export function nistGroup(name: EcdsaCurveName): DhGroup {
  const curve = NOBLE_CURVES[name]
  const length = SCALAR_LENGTHS[name]
  const publicKeyLength = 1 + 2 * length
  const importPrivate = (raw: Uint8Array): DhPrivateKey => {
    requireKeyLength(`${name} private key`, raw, length)
    const secret = new Uint8Array(raw)
    if (!curve.utils.isValidSecretKey(secret)) throw badKey(`${name} private key`)
    return {
      publicKey: curve.getPublicKey(secret, false),
      export: () => new Uint8Array(secret),
      dh(peer) {
        requirePoint(name, peer, publicKeyLength)
        return curve.getSharedSecret(secret, peer, true).subarray(1)
      },
    }
  }
  return {
    name,
    publicKeyLength,
    privateKeyLength: length,
    sharedSecretLength: length,
    generate: () => importPrivate(curve.utils.randomSecretKey()),
    importPrivate,
    importPublic(raw) {
      requirePoint(name, raw, publicKeyLength)
      return { bytes: new Uint8Array(raw) }
    },
  }
}

/** @throws `CRYPTO_BAD_KEY` unless the bytes are an uncompressed point on the curve. */
export function requirePoint(name: EcdsaCurveName, bytes: Uint8Array, length: number): void {
  requireKeyLength(`${name} public key`, bytes, length)
  if (bytes[0] !== 4) throw badKey(`${name} point`)
  try {
    NOBLE_CURVES[name].Point.fromBytes(bytes).assertValidity()
  } catch {
    throw badKey(`${name} public key`)
  }
}
