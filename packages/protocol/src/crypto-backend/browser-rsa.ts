import { concat, equalBytes, fromHex, toHex, uint } from '../bytes/index.ts'
import { hash } from './browser-hash.ts'
import { requireRsaKey } from './rsa-key.ts'
import type { Rsa, RsaPublicKey, Sha2Name } from './types.ts'

const HASH_LENGTH: Record<Sha2Name, number> = { sha256: 32, sha384: 48, sha512: 64 }

/** DER of DigestInfo up to the digest (RFC 8017 Section 9.2, note 1). */
const DIGEST_INFO: Record<Sha2Name, Uint8Array> = {
  sha256: fromHex('3031300d060960864801650304020105000420'),
  sha384: fromHex('3041300d060960864801650304020205000430'),
  sha512: fromHex('3051300d060960864801650304020305000440'),
}

/** RSA verification in BigInt. Everything here is public, so the time may depend on it. */
export const rsa: Rsa = {
  importPss(key, hashName, saltLength) {
    requireRsaKey(key)
    return {
      bytes: new Uint8Array(key.modulus),
      verify(message, signature) {
        const encoded = rsaPublic(key, signature)
        return (
          encoded !== undefined &&
          isPssEncoding(encoded, bitLength(key.modulus) - 1, message, hashName, saltLength)
        )
      },
    }
  },
  importPkcs1(key, hashName) {
    requireRsaKey(key)
    return {
      bytes: new Uint8Array(key.modulus),
      verify(message, signature) {
        const encoded = rsaPublic(key, signature)
        if (encoded === undefined) return false
        const tail = concat(DIGEST_INFO[hashName], hash(hashName, message))
        const padding = new Uint8Array(key.modulus.length - tail.length - 3).fill(0xff)
        // The only possible encoding is built and compared: parsing it is how forgeries get in.
        return equalBytes(encoded, concat(new Uint8Array([0, 1]), padding, new Uint8Array(1), tail))
      },
    }
  },
}

/** RSAVP1 and I2OSP (RFC 8017 Sections 5.2.2 and 4.1); undefined for a signature out of range. */
function rsaPublic(key: RsaPublicKey, signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== key.modulus.length) return undefined
  const n = toBigInt(key.modulus)
  let base = toBigInt(signature)
  if (base >= n) return undefined
  let result = 1n
  for (let e = toBigInt(key.exponent); e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * base) % n
    base = (base * base) % n
  }
  return fromHex(result.toString(16).padStart(2 * key.modulus.length, '0'))
}

/** EMSA-PSS-VERIFY (RFC 8017 Section 9.1.2). */
function isPssEncoding(
  padded: Uint8Array,
  bits: number,
  message: Uint8Array,
  hashName: Sha2Name,
  saltLength: number,
): boolean {
  const hashLength = HASH_LENGTH[hashName]
  const length = Math.ceil(bits / 8)
  // A modulus of 8k+1 bits has one octet more than the encoding; it must be zero.
  if (padded.length > length && padded[0] !== 0) return false
  const encoded = padded.subarray(padded.length - length)
  if (length < hashLength + saltLength + 2 || encoded[length - 1] !== 0xbc) return false
  const maskedDb = encoded.subarray(0, length - hashLength - 1)
  const digest = encoded.subarray(length - hashLength - 1, length - 1)
  const unusedBits = 8 * length - bits
  if (maskedDb[0]! >> (8 - unusedBits) !== 0) return false
  const db = mgf1(digest, maskedDb.length, hashName)
  for (let i = 0; i < db.length; i++) db[i]! ^= maskedDb[i]!
  db[0]! &= 0xff >> unusedBits
  const saltStart = db.length - saltLength
  for (let i = 0; i < saltStart - 1; i++) if (db[i] !== 0) return false
  if (db[saltStart - 1] !== 1) return false
  const salt = db.subarray(saltStart)
  return equalBytes(hash(hashName, new Uint8Array(8), hash(hashName, message), salt), digest)
}

/** MGF1 (RFC 8017 Appendix B.2.1). */
function mgf1(seed: Uint8Array, length: number, hashName: Sha2Name): Uint8Array {
  const blocks: Uint8Array[] = []
  for (let counter = 0; counter * HASH_LENGTH[hashName] < length; counter++) {
    blocks.push(hash(hashName, seed, uint(counter, 4)))
  }
  return concat(...blocks).slice(0, length)
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`)
}

function bitLength(modulus: Uint8Array): number {
  return modulus.length * 8 - (Math.clz32(modulus[0]!) - 24)
}
