import type { Sha2Name } from '@sotto/protocol/crypto-backend'

/** TPM_ALG_ID: TCG "Trusted Platform Module Library" Part 2, Section 6.3, as far as anything here uses it. */
export const TPM_ALG = {
  RSA: 0x0001,
  SHA1: 0x0004,
  AES: 0x0006,
  SHA256: 0x000b,
  SHA384: 0x000c,
  SHA512: 0x000d,
  NULL: 0x0010,
  RSASSA: 0x0014,
  RSAPSS: 0x0016,
  ECDSA: 0x0018,
  ECC: 0x0023,
  CFB: 0x0043,
} as const

const HASHES: ReadonlyMap<number, { name: Sha2Name; bytes: number }> = new Map([
  [TPM_ALG.SHA256, { name: 'sha256', bytes: 32 }],
  [TPM_ALG.SHA384, { name: 'sha384', bytes: 48 }],
  [TPM_ALG.SHA512, { name: 'sha512', bytes: 64 }],
])

/** Name and digest length of a hash; undefined for one that is not accepted anywhere, SHA-1 above all. */
export function tpmHash(algorithm: number): { name: Sha2Name; bytes: number } | undefined {
  return HASHES.get(algorithm)
}
