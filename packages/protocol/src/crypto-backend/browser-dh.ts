import type { ECDSA } from '@noble/curves/abstract/weierstrass.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { x448 } from '@noble/curves/ed448.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { badKey, requireKeyLength } from './errors.ts'
import type { DhGroup, DhGroupName, DhPrivateKey, EcdsaCurveName } from './types.ts'

/** noble's NIST curves. */
export const NOBLE_CURVES: Record<EcdsaCurveName, ECDSA> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 }

const GROUPS: Record<DhGroupName, DhGroup> = {
  X25519: montgomeryGroup('X25519', x25519),
  X448: montgomeryGroup('X448', x448),
  'P-256': nistGroup('P-256', 32),
  'P-384': nistGroup('P-384', 48),
  'P-521': nistGroup('P-521', 66),
}

/** Diffie-Hellman groups on noble. */
export function dh(name: DhGroupName): DhGroup {
  return GROUPS[name]
}

function montgomeryGroup(name: 'X25519' | 'X448', curve: typeof x25519): DhGroup {
  const length = curve.lengths.publicKey!
  const importPrivate = (raw: Uint8Array): DhPrivateKey => {
    requireKeyLength(`${name} private key`, raw, length)
    const secret = new Uint8Array(raw)
    return {
      publicKey: curve.getPublicKey(secret),
      export: () => new Uint8Array(secret),
      dh(peer) {
        requireKeyLength(`${name} public key`, peer, length)
        try {
          // noble refuses an all-zero result (RFC 7748 Section 6).
          return curve.getSharedSecret(secret, peer)
        } catch {
          throw badKey(`${name} public key`)
        }
      },
    }
  }
  return {
    name,
    publicKeyLength: length,
    privateKeyLength: length,
    sharedSecretLength: length,
    generate: () => importPrivate(curve.utils.randomSecretKey()),
    importPrivate,
    importPublic(raw) {
      requireKeyLength(`${name} public key`, raw, length)
      return { bytes: new Uint8Array(raw) }
    },
  }
}

function nistGroup(name: EcdsaCurveName, length: number): DhGroup {
  const curve = NOBLE_CURVES[name]
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
