import { concat, uint, utf8 } from '../bytes/index.ts'
import {
  crypto,
  type MlKem,
  type MlKemName,
  type MlKemPrivateKey,
  type MlKemPublicKey,
} from '../crypto-backend/index.ts'
import { badInput } from './errors.ts'
import type {
  Encapsulation,
  HpkeKem,
  InsecureFixedRandomness,
  KemPrivateKey,
  KemPublicKey,
} from './kem-types.ts'
import { labeledDerive } from './labeled.ts'

const SEED_LENGTH = 64
const EMPTY = new Uint8Array(0)

/** ML-KEM alone (draft-ietf-hpke-pq Section 3). Private keys are 64-byte seeds. */
export class MlKemKem implements HpkeKem {
  readonly id: number
  readonly name: string
  readonly secretLength = 32
  readonly privateKeyLength = SEED_LENGTH
  readonly #mlKem: MlKem

  constructor(id: number, name: MlKemName) {
    this.id = id
    this.name = name
    this.#mlKem = crypto.mlKem(name)
  }

  get encLength(): number {
    return this.#mlKem.ciphertextLength
  }

  get publicKeyLength(): number {
    return this.#mlKem.publicKeyLength
  }

  generate(): KemPrivateKey {
    return this.#privateKey(this.#mlKem.generate())
  }

  derive(ikm: Uint8Array): KemPrivateKey {
    if (ikm.length < SEED_LENGTH) throw badInput(`keying material is shorter than ${SEED_LENGTH} bytes`)
    const suiteId = concat(utf8('KEM'), uint(this.id, 2))
    return this.importPrivate(labeledDerive('shake256', suiteId, ikm, 'DeriveKeyPair', EMPTY, SEED_LENGTH))
  }

  importPrivate(privateKey: Uint8Array): KemPrivateKey {
    return this.#privateKey(this.#mlKem.importPrivate(privateKey))
  }

  importPublic(publicKey: Uint8Array): KemPublicKey {
    const key = this.#mlKem.importPublic(publicKey)
    return { kem: this, bytes: key.bytes, encap: (insecure) => encapsulate(key, insecure) }
  }

  #privateKey(key: MlKemPrivateKey): KemPrivateKey {
    return {
      kem: this,
      publicKey: key.publicKey,
      export: () => key.export(),
      decap: (enc) => key.decapsulate(enc),
    }
  }
}

function encapsulate(key: MlKemPublicKey, insecure: InsecureFixedRandomness | undefined): Encapsulation {
  const { ciphertext, sharedSecret } =
    insecure?.ikmE === undefined ? key.encapsulate() : key.encapsulateDeterministically(insecure.ikmE)
  return { enc: ciphertext, sharedSecret }
}
