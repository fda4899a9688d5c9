import { badKey, requireKeyLength } from './errors.ts'
import { encapsulateDeterministically, ML_KEM_SIZES, NOBLE_ML_KEM } from './mlkem-deterministic.ts'
import type { MlKem, MlKemName, MlKemPrivateKey } from './types.ts'

const SEED_LENGTH = 64

/** ML-KEM on noble. */
export function mlKem(name: MlKemName): MlKem {
  const kem = NOBLE_ML_KEM[name]
  const sizes = ML_KEM_SIZES[name]
  const importPrivate = (bytes: Uint8Array): MlKemPrivateKey => {
    requireKeyLength(`${name} seed`, bytes, SEED_LENGTH)
    const seed = new Uint8Array(bytes)
    const { publicKey, secretKey } = kem.keygen(seed)
    return {
      publicKey,
      export: () => new Uint8Array(seed),
      exportExpanded: () => new Uint8Array(secretKey),
      decapsulate(ciphertext) {
        requireKeyLength(`${name} ciphertext`, ciphertext, sizes.ciphertext)
        return kem.decapsulate(ciphertext, secretKey)
      },
    }
  }
  return {
    name,
    publicKeyLength: sizes.publicKey,
    ciphertextLength: sizes.ciphertext,
    generate: () => importPrivate(globalThis.crypto.getRandomValues(new Uint8Array(SEED_LENGTH))),
    importPrivate,
    decapsulateExpanded(expandedKey, ciphertext) {
      requireKeyLength(`${name} ciphertext`, ciphertext, sizes.ciphertext)
      requireKeyLength(`${name} decapsulation key`, expandedKey, sizes.expandedKey)
      try {
        return kem.decapsulate(ciphertext, expandedKey)
      } catch {
        throw badKey(`${name} decapsulation key`)
      }
    },
    importPublic(publicKey) {
      requireKeyLength(`${name} encapsulation key`, publicKey, sizes.publicKey)
      const bytes = new Uint8Array(publicKey)
      let prepared: ReturnType<typeof kem.prepare>
      try {
        // noble makes the modulus check of FIPS 203 Section 7.2 here.
        prepared = kem.prepare(bytes)
      } catch {
        throw badKey(`${name} encapsulation key`)
      }
      return {
        bytes,
        encapsulate() {
          const { cipherText, sharedSecret } = prepared.encapsulate()
          return { ciphertext: cipherText, sharedSecret }
        },
        encapsulateDeterministically: (randomness) => encapsulateDeterministically(name, bytes, randomness),
      }
    },
  }
}
