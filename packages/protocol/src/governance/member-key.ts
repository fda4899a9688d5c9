import { fromBase64Url, toBase64Url } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import type { MemberKey } from '../keyrelease/types.ts'
import type { MemberSigner } from './types.ts'

/** JWS algorithms of members (RFC 7518 Section 3.1, RFC 8037 Section 3.1). Nothing else is known here. */
export type MemberAlgorithm = 'EdDSA' | 'ES256'

/** Bytes of an Ed25519 public key; the other kind is a P-256 point. */
const ED25519_BYTES = 32

/** The one algorithm of a key: never what a token says. */
export function algorithmOf(key: MemberKey): MemberAlgorithm {
  return fromBase64Url(key).length === ED25519_BYTES ? 'EdDSA' : 'ES256'
}

/** A signer of an Ed25519 seed or a P-256 scalar, 32 bytes each. @throws `CRYPTO_BAD_KEY` */
export function memberSigner(algorithm: MemberAlgorithm, secret: Uint8Array): MemberSigner {
  const key =
    algorithm === 'EdDSA'
      ? publicCrypto.ed25519.importPrivate(secret)
      : publicCrypto.ecdsa.importPrivate('P-256', 'sha256', secret)
  return { key: toBase64Url(key.publicKey), sign: (message) => key.sign(message) }
}

/** Whether the holder of a key signed a message. @throws `CRYPTO_BAD_KEY` for a point off its curve */
export function hasMemberSigned(key: MemberKey, message: Uint8Array, signature: Uint8Array): boolean {
  const bytes = fromBase64Url(key)
  const verifier =
    algorithmOf(key) === 'EdDSA'
      ? publicCrypto.ed25519.importPublic(bytes)
      : publicCrypto.ecdsa.importPublic('P-256', 'sha256', bytes)
  return verifier.verify(message, signature)
}
