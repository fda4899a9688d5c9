import { concat, uint, utf8 } from '../bytes/index.ts'
import {
  crypto,
  type DhGroup,
  type DhGroupName,
  type DhPrivateKey,
  type MlKem,
  type MlKemName,
  type MlKemPublicKey,
} from '../crypto-backend/index.ts'
import { requireKeyLength } from '../crypto-backend/errors.ts'
import { badInput } from './errors.ts'
import type {
  Encapsulation,
  HpkeKem,
  InsecureFixedRandomness,
  KemPrivateKey,
  KemPublicKey,
} from './kem-types.ts'
import { labeledDerive } from './labeled.ts'

const SEED_LENGTH = 32
const ML_KEM_SEED_LENGTH = 64
const ML_KEM_RANDOMNESS_LENGTH = 32
const EMPTY = new Uint8Array(0)

/** Parameters of one hybrid KEM. */
export interface HybridKemParameters {
  readonly id: number
  readonly name: string
  readonly mlKem: MlKemName
  readonly group: DhGroupName
  /** Domain separator at the end of the combiner's input. */
  readonly label: Uint8Array
  /** Bytes of seed a private key of the group is made from: one scalar, or several candidates. */
  readonly groupSeedLength: number
  /** Bytes of randomness of an encapsulation, in known-answer tests. */
  readonly randomnessLength: number
}

/**
 * ML-KEM together with Diffie-Hellman: secret as long as either holds. MLKEM768-X25519 is X-Wing
 * (draft-connolly-cfrg-xwing-kem); the others follow draft-irtf-cfrg-concrete-hybrid-kems.
 * Private keys are 32-byte seeds.
 */
export class HybridKem implements HpkeKem {
  readonly id: number
  readonly name: string
  readonly secretLength = 32
  readonly privateKeyLength = SEED_LENGTH
  readonly parameters: HybridKemParameters
  readonly mlKem: MlKem
  readonly group: DhGroup

  constructor(parameters: HybridKemParameters) {
    this.id = parameters.id
    this.name = parameters.name
    this.parameters = parameters
    this.mlKem = crypto.mlKem(parameters.mlKem)
    this.group = crypto.dh(parameters.group)
  }

  get encLength(): number {
    return this.mlKem.ciphertextLength + this.group.publicKeyLength
  }

  get publicKeyLength(): number {
    return this.mlKem.publicKeyLength + this.group.publicKeyLength
  }

  generate(): KemPrivateKey {
    return this.importPrivate(crypto.randomBytes(SEED_LENGTH))
  }

  derive(ikm: Uint8Array): KemPrivateKey {
    if (ikm.length < SEED_LENGTH) throw badInput(`keying material is shorter than ${SEED_LENGTH} bytes`)
    const suiteId = concat(utf8('KEM'), uint(this.id, 2))
    return this.importPrivate(labeledDerive('shake256', suiteId, ikm, 'DeriveKeyPair', EMPTY, SEED_LENGTH))
  }

  importPrivate(privateKey: Uint8Array): KemPrivateKey {
    requireKeyLength(`${this.name} private key`, privateKey, SEED_LENGTH)
    const seed = new Uint8Array(privateKey)
    const expanded = crypto.xof('shake256', ML_KEM_SEED_LENGTH + this.parameters.groupSeedLength, seed)
    const mlKem = this.mlKem.importPrivate(expanded.subarray(0, ML_KEM_SEED_LENGTH))
    const dh = this.groupKey(expanded.subarray(ML_KEM_SEED_LENGTH))
    const split = this.mlKem.ciphertextLength
    return {
      kem: this,
      publicKey: concat(mlKem.publicKey, dh.publicKey),
      export: () => new Uint8Array(seed),
      decap: (enc) => {
        const groupPart = enc.subarray(split)
        const first = mlKem.decapsulate(enc.subarray(0, split))
        return this.combine(first, dh.dh(groupPart), groupPart, dh.publicKey)
      },
    }
  }

  importPublic(publicKey: Uint8Array): KemPublicKey {
    const split = this.mlKem.publicKeyLength
    const mlKem = this.mlKem.importPublic(publicKey.subarray(0, split))
    const { bytes: groupKey } = this.group.importPublic(publicKey.subarray(split))
    return {
      kem: this,
      bytes: new Uint8Array(publicKey),
      encap: (insecure) => this.#encap(mlKem, groupKey, insecure),
    }
  }

  /** The combiner: both secrets, and what the group part of the shared secret depends on. */
  combine(mlKemSecret: Uint8Array, dh: Uint8Array, groupPart: Uint8Array, groupKey: Uint8Array): Uint8Array {
    return crypto.hash('sha3-256', mlKemSecret, dh, groupPart, groupKey, this.parameters.label)
  }

  /** Private key of the group: the first candidate in the seed that is a valid one. */
  groupKey(seed: Uint8Array): DhPrivateKey {
    const length = this.group.privateKeyLength
    for (let offset = 0; offset + length <= seed.length; offset += length) {
      try {
        return this.group.importPrivate(seed.subarray(offset, offset + length))
      } catch {
        // Not below the group order: the next candidate.
      }
    }
    throw badInput('no private key follows from this seed')
  }

  #encap(
    mlKem: MlKemPublicKey,
    groupKey: Uint8Array,
    insecure: InsecureFixedRandomness | undefined,
  ): Encapsulation {
    const fixed = insecure?.ikmE
    const { randomnessLength } = this.parameters
    if (fixed !== undefined && fixed.length !== randomnessLength)
      throw badInput(`randomness of an encapsulation has ${randomnessLength} bytes`)
    const { ciphertext, sharedSecret } =
      fixed === undefined
        ? mlKem.encapsulate()
        : mlKem.encapsulateDeterministically(fixed.subarray(0, ML_KEM_RANDOMNESS_LENGTH))
    const ephemeral =
      fixed === undefined ? this.group.generate() : this.groupKey(fixed.subarray(ML_KEM_RANDOMNESS_LENGTH))
    const groupPart = ephemeral.publicKey
    return {
      enc: concat(ciphertext, groupPart),
      sharedSecret: this.combine(sharedSecret, ephemeral.dh(groupKey), groupPart, groupKey),
    }
  }
}
