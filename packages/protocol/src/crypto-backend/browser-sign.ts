import { ed25519 as nobleEd25519 } from '@noble/curves/ed25519.js'
import { hash } from './browser-hash.ts'
import { nistGroup, NOBLE_CURVES, requirePoint, SCALAR_LENGTHS } from './browser-nist.ts'
import { answer, requireOnce } from './browser-together.ts'
import { requirePrimeOrder } from './ed25519-points.ts'
import { requireKeyLength } from './errors.ts'
import type { Ecdsa, EcdsaCurveName, Ed25519 } from './types.ts'

// Rules of RFC 8032, and not ZIP 215, which accepts encodings that OpenSSL refuses.
const RFC_8032 = { zip215: false }
// OpenSSL neither normalises `s` nor refuses large ones.
const RAW_DIGEST = { prehash: false, lowS: false, format: 'compact' } as const

/** Ed25519 on noble. */
export const ed25519: Ed25519 = {
  generate() {
    const seed = nobleEd25519.utils.randomSecretKey()
    return { seed, publicKey: nobleEd25519.getPublicKey(seed) }
  },
  importPrivate(raw) {
    requireKeyLength('Ed25519 seed', raw, 32)
    const seed = new Uint8Array(raw)
    return { publicKey: nobleEd25519.getPublicKey(seed), sign: (message) => nobleEd25519.sign(message, seed) }
  },
  importPublic(publicKey) {
    const bytes = new Uint8Array(publicKey)
    requireOnce('Ed25519', bytes, requirePrimeOrder)
    return {
      bytes,
      verify: (message, signature) =>
        signature.length === 64 &&
        answer({ algorithm: 'Ed25519', key: bytes, message, signature }, () =>
          nobleEd25519.verify(signature, message, bytes, RFC_8032),
        ),
    }
  },
}

/** ECDSA on noble. */
export const ecdsa: Ecdsa = {
  generate(curve) {
    const pair = nistGroup(curve).generate()
    return { privateKey: pair.export(), publicKey: pair.publicKey }
  },
  importPrivate(curve, hashName, privateKey) {
    const { publicKey } = nistGroup(curve).importPrivate(privateKey)
    const secret = new Uint8Array(privateKey)
    return {
      publicKey,
      sign: (message) => NOBLE_CURVES[curve].sign(hash(hashName, message), secret, RAW_DIGEST),
    }
  },
  importPublic(curve, hashName, publicKey) {
    const length = 2 * SCALAR_LENGTHS[curve]
    const bytes = new Uint8Array(publicKey)
    requireOnce(curve, bytes, (key) => requirePoint(curve, key, 1 + length))
    return {
      bytes,
      verify(message, signature) {
        return (
          signature.length === length &&
          answer({ algorithm: [curve, hashName], key: bytes, message, signature }, () =>
            isValidEcdsa(curve, hash(hashName, message), bytes, signature),
          )
        )
      },
    }
  },
}

function isValidEcdsa(
  curve: EcdsaCurveName,
  digest: Uint8Array,
  key: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return NOBLE_CURVES[curve].verify(signature, digest, key, RAW_DIGEST)
  } catch {
    return false
  }
}
