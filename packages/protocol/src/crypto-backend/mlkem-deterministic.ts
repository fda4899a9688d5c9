import { ml_kem1024, ml_kem512, ml_kem768, type MLKEM } from '@noble/post-quantum/ml-kem.js'
import { requireKeyLength } from './errors.ts'
import type { MlKemName } from './types.ts'

/** Sizes in bytes (FIPS 203 Table 3). */
export const ML_KEM_SIZES: Record<MlKemName, { publicKey: number; ciphertext: number; expandedKey: number }> =
  {
    'ML-KEM-512': { publicKey: 800, ciphertext: 768, expandedKey: 1632 },
    'ML-KEM-768': { publicKey: 1184, ciphertext: 1088, expandedKey: 2400 },
    'ML-KEM-1024': { publicKey: 1568, ciphertext: 1568, expandedKey: 3168 },
  }

/** The noble implementation of each parameter set. */
export const NOBLE_ML_KEM: Record<MlKemName, MLKEM> = {
  'ML-KEM-512': ml_kem512,
  'ML-KEM-768': ml_kem768,
  'ML-KEM-1024': ml_kem1024,
}

/** ML-KEM.Encaps_internal (FIPS 203 Section 6.2): node:crypto takes no randomness from its caller. */
export function encapsulateDeterministically(
  name: MlKemName,
  publicKey: Uint8Array,
  randomness: Uint8Array,
): { ciphertext: Uint8Array; sharedSecret: Uint8Array } {
  requireKeyLength(`${name} randomness`, randomness, 32)
  const { cipherText, sharedSecret } = NOBLE_ML_KEM[name].encapsulate(publicKey, randomness)
  return { ciphertext: cipherText, sharedSecret }
}
