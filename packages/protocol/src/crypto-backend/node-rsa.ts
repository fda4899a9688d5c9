import { constants, createPublicKey, type SigningOptions, verify } from 'node:crypto'
import { requireRsaKey } from './rsa-key.ts'
import type { Rsa, RsaPublicKey, Sha2Name, VerifyingKey } from './types.ts'

/** RSA verification on node:crypto. */
export const rsa: Rsa = {
  importPss: (publicKey, hash, saltLength) =>
    importKey(publicKey, hash, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
  importPkcs1: (publicKey, hash) => importKey(publicKey, hash, { padding: constants.RSA_PKCS1_PADDING }),
}

/** The options stand on the key itself for the reason that `node-sign.ts` gives; PKCS #1 is the default. */
function importKey(publicKey: RsaPublicKey, hash: Sha2Name, options: SigningOptions): VerifyingKey {
  requireRsaKey(publicKey)
  const n = Buffer.from(publicKey.modulus).toString('base64url')
  const e = Buffer.from(publicKey.exponent).toString('base64url')
  const key = Object.assign(createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' }), options)
  const bytes = new Uint8Array(publicKey.modulus)
  return {
    bytes,
    verify: (message, signature) =>
      signature.length === bytes.length && verify(hash, message, key, signature),
  }
}
