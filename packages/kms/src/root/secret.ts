import { concat, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { DsseSigner } from '@sotto/protocol/dsse'
import type { Ed25519Key } from '@sotto/protocol/keyrelease'

/** Length of a root secret. */
export const ROOT_SECRET_BYTES = 32
const NONCE_BYTES = 12

/** What each key derived from a root secret is for (RFC 5869 info). */
const LABELS = {
  store: 'sotto kms root: sealing key of the store',
  signer: 'sotto kms root: seed of the root key',
  bridge: 'sotto kms root: key around the secret before',
} as const

/** The keys of one root secret. Whoever holds the secret has all of them. */
export interface RootKeys {
  secret: Uint8Array
  /** Signs genesis, KMS certificates and successions. */
  signer: DsseSigner
  rootKey: Ed25519Key
  /** Seals the store; the caller overwrites it after use. */
  sealingKey(): Uint8Array
}

/** A root secret: 32 random bytes, made inside the TEE. */
export function createRootSecret(): Uint8Array {
  return crypto.randomBytes(ROOT_SECRET_BYTES)
}

/** Derives the keys of a root secret with HKDF-SHA256, one label per purpose. */
export function deriveRoot(secret: Uint8Array): RootKeys {
  if (secret.length !== ROOT_SECRET_BYTES) throw new RangeError('a root secret has 32 bytes')
  const secretSeed = derive(secret, 'signer')
  const { publicKey } = crypto.ed25519.importPrivate(secretSeed)
  return {
    secret,
    signer: { publicKey, secretSeed },
    rootKey: toBase64Url(publicKey),
    sealingKey: () => derive(secret, 'store'),
  }
}

/**
 * The secret before, for whoever has the next one: while a store is still sealed under the old secret, the
 * new one alone must lead to it.
 */
export function sealBridge(next: Uint8Array, previous: Uint8Array): Uint8Array {
  return sealUnder(derive(next, 'bridge'), 'bridge', previous)
}

/** The secret before. @throws `CRYPTO_OPEN_FAILED` */
export function openBridge(next: Uint8Array, sealed: Uint8Array): Uint8Array {
  return openUnder(derive(next, 'bridge'), 'bridge', sealed)
}

/** AES-256-GCM with a random nonce in front; `context` is authenticated. */
export function sealUnder(key: Uint8Array, context: string, secret: Uint8Array): Uint8Array {
  const nonce = crypto.randomBytes(NONCE_BYTES)
  return concat(nonce, crypto.aead('aes-256-gcm', key).seal(nonce, utf8(context), secret))
}

/** @throws `CRYPTO_OPEN_FAILED` */
export function openUnder(key: Uint8Array, context: string, sealed: Uint8Array): Uint8Array {
  const nonce = sealed.subarray(0, NONCE_BYTES)
  return crypto.aead('aes-256-gcm', key).open(nonce, utf8(context), sealed.subarray(NONCE_BYTES))
}

function derive(secret: Uint8Array, label: keyof typeof LABELS): Uint8Array {
  return crypto.hkdf('sha256', new Uint8Array(), secret, utf8(LABELS[label]), ROOT_SECRET_BYTES)
}
