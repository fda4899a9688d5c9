import { ed25519 } from '@noble/curves/ed25519.js'
import { badKey, requireKeyLength } from './errors.ts'

/**
 * Refuses Ed25519 public keys that are not the canonical encoding of a point, or are of low order:
 * libraries disagree about signatures under such keys, and nobody honest has one.
 * @throws `CRYPTO_BAD_KEY`
 */
export function requirePrimeOrder(publicKey: Uint8Array): void {
  requireKeyLength('Ed25519 public key', publicKey, 32)
  let point
  try {
    point = ed25519.Point.fromBytes(publicKey, false)
  } catch {
    throw badKey('Ed25519 public key')
  }
  if (point.isSmallOrder()) throw badKey('Ed25519 public key')
}
