import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { requireRsaKey } from './rsa-key.ts'
import type { Rsa, RsaPublicKey } from './types.ts'

/** RSA verification on node:crypto. */
export const rsa: Rsa = {
  importPss(publicKey, hash, saltLength) {
    const key = importKey(publicKey)
    const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
    return {
      bytes: new Uint8Array(publicKey.modulus),
      verify: (message, signature) =>
        signature.length === publicKey.modulus.length && verify(hash, message, options, signature),
    }
  },
  importPkcs1(publicKey, hash) {
    const key = importKey(publicKey)
    const options = { key, padding: constants.RSA_PKCS1_PADDING }
    return {
      bytes: new Uint8Array(publicKey.modulus),
      verify: (message, signature) =>
        signature.length === publicKey.modulus.length && verify(hash, message, options, signature),
    }
  },
}

function importKey(publicKey: RsaPublicKey): KeyObject {
  requireRsaKey(publicKey)
  const n = Buffer.from(publicKey.modulus).toString('base64url')
  const e = Buffer.from(publicKey.exponent).toString('base64url')
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' })
}
