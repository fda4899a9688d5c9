import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { fromBase64Url } from '@sotto/protocol/bytes'
import type { RsaPublicKey } from '@sotto/protocol/crypto-backend'

/** An RSA key and how it signs: RSASSA-PKCS1-v1_5 with SHA-256, as virtual TPMs and their authorities do. */
export interface FakeRsaKey extends RsaPublicKey {
  /** DER. */
  spki: Uint8Array
  sign(message: Uint8Array, hash?: 'sha256' | 'sha1'): Uint8Array
}

/** A new key; takes some 100 ms. */
export function fakeRsaKey(bits: 2048 | 3072 = 2048): FakeRsaKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const { n, e } = publicKey.export({ format: 'jwk' })
  return {
    modulus: fromBase64Url(n!),
    exponent: fromBase64Url(e!),
    spki: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    sign: (message, hash = 'sha256') => signWith(privateKey, hash, message),
  }
}

function signWith(key: KeyObject, hash: string, message: Uint8Array): Uint8Array {
  return new Uint8Array(createSign(hash).update(message).sign(key))
}
