import { concat, uint } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'

/** Length of SHA-384, the one hash of RSABSSA. */
const HASH_LENGTH = 48

/**
 * EMSA-PSS-ENCODE with SHA-384 and MGF1-SHA-384 (RFC 8017 Section 9.1.1).
 *
 * @param bits of the encoding: one less than those of the modulus
 */
export function encodePss(message: Uint8Array, salt: Uint8Array, bits: number): Uint8Array {
  const length = Math.ceil(bits / 8)
  const { sha384 } = publicCrypto
  const digest = sha384(new Uint8Array(8), sha384(message), salt)
  const db = new Uint8Array(length - HASH_LENGTH - 1)
  db[db.length - salt.length - 1] = 1
  db.set(salt, db.length - salt.length)
  const mask = mgf1(digest, db.length)
  for (let i = 0; i < db.length; i++) db[i]! ^= mask[i]!
  db[0]! &= 0xff >> (8 * length - bits)
  return concat(db, digest, Uint8Array.of(0xbc))
}

/** MGF1 (RFC 8017 Appendix B.2.1). */
function mgf1(seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = []
  for (let counter = 0; counter * HASH_LENGTH < length; counter++)
    blocks.push(publicCrypto.sha384(seed, uint(counter, 4)))
  return concat(...blocks).subarray(0, length)
}
