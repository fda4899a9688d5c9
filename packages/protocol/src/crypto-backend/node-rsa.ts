import { constants, createPublicKey, type SigningOptions, verify } from 'node:crypto'
import { derElement, derInteger, publicKeyPem } from './node-der.ts'
import { requireRsaKey } from './rsa-key.ts'
import type { Rsa, RsaPublicKey, Sha2Name, VerifyingKey } from './types.ts'

/** RSA verification on node:crypto. */
export const rsa: Rsa = {
  importPss: (publicKey, hash, saltLength) =>
    importKey(publicKey, hash, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }),
  importPkcs1: (publicKey, hash) => importKey(publicKey, hash, { padding: constants.RSA_PKCS1_PADDING }),
}

/** AlgorithmIdentifier of rsaEncryption with its NULL (RFC 3279 Section 2.3.1). */
const RSA_ENCRYPTION = Buffer.from('300d06092a864886f70d0101010500', 'hex')

/** The options stand on the key itself for the reason that `node-sign.ts` gives; PKCS #1 is the default. */
function importKey(publicKey: RsaPublicKey, hash: Sha2Name, options: SigningOptions): VerifyingKey {
  requireRsaKey(publicKey)
  const numbers = derElement(0x30, derInteger(publicKey.modulus), derInteger(publicKey.exponent))
  const spki = derElement(0x30, RSA_ENCRYPTION, derElement(0x03, Uint8Array.of(0), numbers))
  const key = Object.assign(createPublicKey(publicKeyPem(spki)), options)
  const bytes = new Uint8Array(publicKey.modulus)
  return {
    bytes,
    verify: (message, signature) =>
      signature.length === bytes.length && verify(hash, message, key, signature),
  }
}
