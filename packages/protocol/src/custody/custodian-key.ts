import { concat, fromBase64Url, toBase64Url, toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { XWING_PUBLIC_KEY_BYTES } from '../keyrelease/limits.ts'
import type { Digest, Ed25519Key } from '../keyrelease/types.ts'
import type { CustodianKey } from './types.ts'

const SIGNING_KEY_BYTES = 32
/** Length of a custodian's public key: X-Wing, then Ed25519. */
export const CUSTODIAN_KEY_BYTES: number = XWING_PUBLIC_KEY_BYTES + SIGNING_KEY_BYTES

/** The two public keys of a custodian. */
export interface CustodianKeyParts {
  /** X-Wing, base64url as `wrapSecret` takes it. */
  wrapKey: string
  signingKey: Ed25519Key
}

/** One text of two public keys. */
export function encodeCustodianKey(wrapKey: Uint8Array, signingKey: Uint8Array): CustodianKey {
  if (wrapKey.length !== XWING_PUBLIC_KEY_BYTES || signingKey.length !== SIGNING_KEY_BYTES)
    throw new RangeError('a custodian key is made of an X-Wing key and an Ed25519 key')
  return toBase64Url(concat(wrapKey, signingKey))
}

/** The two public keys of a custodian key that a decoder accepted. */
export function splitCustodianKey(key: CustodianKey): CustodianKeyParts {
  const bytes = fromBase64Url(key)
  return {
    wrapKey: toBase64Url(bytes.subarray(0, XWING_PUBLIC_KEY_BYTES)),
    signingKey: toBase64Url(bytes.subarray(XWING_PUBLIC_KEY_BYTES)),
  }
}

/** What people compare and share sets name: SHA-256 of the key's bytes. */
export function custodianKeyDigest(key: CustodianKey): Digest {
  return toHex(publicCrypto.sha256(fromBase64Url(key)))
}
