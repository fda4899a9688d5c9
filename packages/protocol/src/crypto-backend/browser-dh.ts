import { x25519 } from '@noble/curves/ed25519.js'
import { x448 } from '@noble/curves/ed448.js'
import { nistGroup } from './browser-nist.ts'
import { badKey, requireKeyLength } from './errors.ts'
import type { DhGroup, DhGroupName, DhPrivateKey } from './types.ts'

const GROUPS: Record<DhGroupName, DhGroup> = {
  X25519: montgomeryGroup('X25519', x25519),
  X448: montgomeryGroup('X448', x448),
  'P-256': nistGroup('P-256'),
  'P-384': nistGroup('P-384'),
  'P-521': nistGroup('P-521'),
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
