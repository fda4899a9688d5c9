import { concat, uint, utf8 } from '../bytes/index.ts'
import {
  crypto,
  type DhGroup,
  type DhGroupName,
  type DhPrivateKey,
  type DhPublicKey,
  type Sha2Name,
} from '../crypto-backend/index.ts'
import { badInput } from './errors.ts'
import type {
  Encapsulation,
  HpkeKem,
  InsecureFixedRandomness,
  KemPrivateKey,
  KemPublicKey,
} from './kem-types.ts'
import { labeledExpand, labeledExtract } from './labeled.ts'

const EMPTY = new Uint8Array(0)

/** Parameters of one DHKEM (RFC 9180 Section 7.1). */
export interface DhKemParameters {
  readonly id: number
  readonly name: string
  readonly group: DhGroupName
  readonly hash: Sha2Name
  readonly secretLength: number
}

/** DHKEM (RFC 9180 Section 4.1). */
export class DhKem implements HpkeKem {
  readonly id: number
  readonly name: string
  readonly secretLength: number
  readonly #parameters: DhKemParameters
  readonly #group: DhGroup
  readonly #suiteId: Uint8Array

  constructor(parameters: DhKemParameters) {
    this.id = parameters.id
    this.name = parameters.name
    this.secretLength = parameters.secretLength
    this.#parameters = parameters
    this.#group = crypto.dh(parameters.group)
    this.#suiteId = concat(utf8('KEM'), uint(parameters.id, 2))
  }

  get encLength(): number {
    return this.#group.publicKeyLength
  }

  get publicKeyLength(): number {
    return this.#group.publicKeyLength
  }

  get privateKeyLength(): number {
    return this.#group.privateKeyLength
  }

  generate(): KemPrivateKey {
    return new DhKemPrivateKey(this, this.#group.generate())
  }

  derive(ikm: Uint8Array): KemPrivateKey {
    return new DhKemPrivateKey(this, this.#group.importPrivate(this.#deriveScalar(ikm)))
  }

  importPrivate(privateKey: Uint8Array): KemPrivateKey {
    return new DhKemPrivateKey(this, this.#group.importPrivate(privateKey))
  }

  importPublic(publicKey: Uint8Array): KemPublicKey {
    return new DhKemPublicKey(this, this.#group.importPublic(publicKey))
  }

  /** ExtractAndExpand over one or two Diffie-Hellman results. */
  sharedSecret(dh: Uint8Array, ...kemContext: Uint8Array[]): Uint8Array {
    const { hash, secretLength } = this.#parameters
    const prk = labeledExtract(hash, this.#suiteId, EMPTY, 'eae_prk', dh)
    return labeledExpand(hash, this.#suiteId, prk, 'shared_secret', concat(...kemContext), secretLength)
  }

  ephemeral(insecure: InsecureFixedRandomness | undefined): DhPrivateKey {
    if (insecure?.skE !== undefined) return this.#group.importPrivate(insecure.skE)
    if (insecure?.ikmE !== undefined) return this.#group.importPrivate(this.#deriveScalar(insecure.ikmE))
    return this.#group.generate()
  }

  /** DeriveKeyPair (RFC 9180 Section 7.1.3). */
  #deriveScalar(ikm: Uint8Array): Uint8Array {
    const { hash, group } = this.#parameters
    const length = this.privateKeyLength
    if (ikm.length < length) throw badInput(`keying material is shorter than ${length} bytes`)
    const prk = labeledExtract(hash, this.#suiteId, EMPTY, 'dkp_prk', ikm)
    if (group === 'X25519' || group === 'X448') {
      return labeledExpand(hash, this.#suiteId, prk, 'sk', EMPTY, length)
    }
    for (let counter = 0; counter < 256; counter++) {
      const candidate = labeledExpand(hash, this.#suiteId, prk, 'candidate', uint(counter, 1), length)
      if (group === 'P-521') candidate[0]! &= 0x01
      if (isScalar(this.#group, candidate)) return candidate
    }
    throw badInput('no private key follows from this keying material')
  }
}

class DhKemPrivateKey implements KemPrivateKey {
  readonly kem: DhKem
  readonly #key: DhPrivateKey

  constructor(kem: DhKem, key: DhPrivateKey) {
    this.kem = kem
    this.#key = key
  }

  get publicKey(): Uint8Array {
    return this.#key.publicKey
  }

  export(): Uint8Array {
    return this.#key.export()
  }

  decap(enc: Uint8Array): Uint8Array {
    if (this.#key.dhkemDecapsulate !== undefined) return this.#key.dhkemDecapsulate(enc)
    return this.kem.sharedSecret(this.#key.dh(enc), enc, this.publicKey)
  }

  authDecap(enc: Uint8Array, sender: KemPublicKey): Uint8Array {
    const dh = concat(this.#key.dh(enc), this.#key.dh(sender.bytes))
    return this.kem.sharedSecret(dh, enc, this.publicKey, sender.bytes)
  }

  authEncap(recipient: KemPublicKey, insecure?: InsecureFixedRandomness): Encapsulation {
    const ephemeral = this.kem.ephemeral(insecure)
    const enc = ephemeral.publicKey
    const dh = concat(ephemeral.dh(recipient.bytes), this.#key.dh(recipient.bytes))
    return { enc, sharedSecret: this.kem.sharedSecret(dh, enc, recipient.bytes, this.publicKey) }
  }
}

class DhKemPublicKey implements KemPublicKey {
  readonly kem: DhKem
  readonly #key: DhPublicKey

  constructor(kem: DhKem, key: DhPublicKey) {
    this.kem = kem
    this.#key = key
  }

  get bytes(): Uint8Array {
    return this.#key.bytes
  }

  encap(insecure?: InsecureFixedRandomness): Encapsulation {
    if (insecure === undefined && this.#key.dhkemEncapsulate !== undefined)
      return this.#key.dhkemEncapsulate()
    const ephemeral = this.kem.ephemeral(insecure)
    const enc = ephemeral.publicKey
    return { enc, sharedSecret: this.kem.sharedSecret(ephemeral.dh(this.bytes), enc, this.bytes) }
  }
}

/** True for a scalar from 1 to the group order minus 1: what an import accepts. */
function isScalar(group: DhGroup, candidate: Uint8Array): boolean {
  try {
    group.importPrivate(candidate)
    return true
  } catch {
    return false
  }
}
