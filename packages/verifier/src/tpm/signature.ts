import type { RsaPublicKey, Sha2Name } from '@sotto/protocol/crypto-backend'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { TPM_ALG, tpmHash } from './algorithms.ts'
import { malformedTpm, tpmConstant } from './errors.ts'
import { TpmReader } from './reader.ts'

/** Largest RSA key that the backend verifies with: 4096 bits. */
export const MAX_RSA_BYTES = 512

/** TPMT_SIGNATURE of the one scheme accepted here. */
export interface RsassaSignature {
  scheme: 'rsassa'
  hash: Sha2Name
  signature: Uint8Array
}

/**
 * Reads TPMT_SIGNATURE (Part 2, Section 11.3.4): RSASSA with SHA-2, the scheme of the attestation keys
 * that clouds provision. Another scheme, or SHA-1, is refused by its identifier.
 *
 * @throws `EVIDENCE_MALFORMED`, `BYTES_TRUNCATED`
 */
export function readSignature(reader: TpmReader): RsassaSignature {
  const algorithm = reader.uint(2)
  if (algorithm !== TPM_ALG.RSASSA)
    throw malformedTpm('signature of another scheme', tpmConstant(TPM_ALG.RSASSA), tpmConstant(algorithm))
  const hashId = reader.uint(2)
  const hash = tpmHash(hashId)
  if (hash === undefined)
    throw malformedTpm('signature over another hash', 'SHA-256, SHA-384 or SHA-512', tpmConstant(hashId))
  return { scheme: 'rsassa', hash: hash.name, signature: reader.sized(MAX_RSA_BYTES, 'the signature') }
}

/** As {@link readSignature}, with nothing after it. @throws also `BYTES_TRAILING` */
export function parseSignature(bytes: Uint8Array): RsassaSignature {
  const reader = new TpmReader(bytes)
  const signature = readSignature(reader)
  reader.end()
  return signature
}

/**
 * Whether the holder of this key signed these bytes with RSASSA-PKCS1-v1_5. False for a signature of any
 * other kind or length.
 *
 * @throws `CRYPTO_BAD_KEY` for a key out of bounds
 */
export function isSignedWith(
  key: RsaPublicKey,
  hash: Sha2Name,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  return publicCrypto.rsa.importPkcs1(key, hash).verify(signed, signature)
}
