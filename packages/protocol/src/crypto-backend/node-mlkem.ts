import { createPrivateKey, createPublicKey, decapsulate, encapsulate, type KeyObject } from 'node:crypto'
import { concat, fromHex, uint } from '../bytes/index.ts'
import { badKey, requireKeyLength } from './errors.ts'
import { encapsulateDeterministically, ML_KEM_SIZES } from './mlkem-deterministic.ts'
import { plain } from './node-hash.ts'
import { randomBytes } from './node-random.ts'
import type { MlKem, MlKemName, MlKemPrivateKey, MlKemPublicKey } from './types.ts'

const SEED_LENGTH = 64
/** Last arcs of id-alg-ml-kem-512, -768 and -1024. */
const OID_END: Record<MlKemName, number> = {
  'ML-KEM-512': 0x0401,
  'ML-KEM-768': 0x0402,
  'ML-KEM-1024': 0x0403,
}
const KEY_TYPE = {
  'ML-KEM-512': 'ml-kem-512',
  'ML-KEM-768': 'ml-kem-768',
  'ML-KEM-1024': 'ml-kem-1024',
} as const

/** ML-KEM on node:crypto. */
export function mlKem(name: MlKemName): MlKem {
  return {
    name,
    publicKeyLength: ML_KEM_SIZES[name].publicKey,
    ciphertextLength: ML_KEM_SIZES[name].ciphertext,
    generate: () => new NodeMlKemPrivateKey(name, randomBytes(SEED_LENGTH)),
    importPrivate: (seed) => new NodeMlKemPrivateKey(name, new Uint8Array(seed)),
    importPublic: (publicKey) => new NodeMlKemPublicKey(name, new Uint8Array(publicKey)),
    decapsulateExpanded(expandedKey, ciphertext) {
      requireKeyLength(`${name} ciphertext`, ciphertext, ML_KEM_SIZES[name].ciphertext)
      requireKeyLength(`${name} decapsulation key`, expandedKey, ML_KEM_SIZES[name].expandedKey)
      try {
        const key = createPrivateKey({ key: expandedPkcs8(name, expandedKey), format: 'der', type: 'pkcs8' })
        return plain(decapsulate(key, ciphertext))
      } catch {
        throw badKey(`${name} decapsulation key`)
      }
    },
  }
}

/** OneAsymmetricKey whose key is the expanded form, an OCTET STRING (RFC 9935 Section 6). */
function expandedPkcs8(name: MlKemName, expandedKey: Uint8Array): Buffer {
  const header = (tag: number, length: number): Uint8Array =>
    concat(new Uint8Array([tag, 0x82]), uint(length, 2))
  const oid = concat(fromHex('020100300b060960864801650304'), uint(OID_END[name], 2))
  const key = concat(header(0x04, expandedKey.length), expandedKey)
  const body = concat(oid, header(0x04, key.length), key)
  return Buffer.from(concat(header(0x30, body.length), body))
}

class NodeMlKemPrivateKey implements MlKemPrivateKey {
  readonly publicKey: Uint8Array
  readonly #name: MlKemName
  readonly #seed: Uint8Array
  readonly #key: KeyObject

  constructor(name: MlKemName, seed: Uint8Array) {
    requireKeyLength(`${name} seed`, seed, SEED_LENGTH)
    this.#name = name
    this.#seed = seed
    this.#key = createPrivateKey({
      key: Buffer.from(seed),
      format: 'raw-seed',
      asymmetricKeyType: KEY_TYPE[name],
    })
    this.publicKey = new Uint8Array(
      createPublicKey(this.#key).export({ format: 'raw-public' } as never) as unknown as Buffer,
    )
  }

  export(): Uint8Array {
    return new Uint8Array(this.#seed)
  }

  exportExpanded(): Uint8Array {
    // OpenSSL writes PKCS #8 as SEQUENCE { seed, expandedKey }: the expanded key is the last field.
    const der = this.#key.export({ format: 'der', type: 'pkcs8' })
    return new Uint8Array(der.subarray(der.length - ML_KEM_SIZES[this.#name].expandedKey))
  }

  decapsulate(ciphertext: Uint8Array): Uint8Array {
    requireKeyLength(`${this.#name} ciphertext`, ciphertext, ML_KEM_SIZES[this.#name].ciphertext)
    return plain(decapsulate(this.#key, ciphertext))
  }
}

class NodeMlKemPublicKey implements MlKemPublicKey {
  readonly bytes: Uint8Array
  readonly #name: MlKemName
  readonly #key: KeyObject

  constructor(name: MlKemName, bytes: Uint8Array) {
    requireKeyLength(`${name} encapsulation key`, bytes, ML_KEM_SIZES[name].publicKey)
    try {
      // OpenSSL makes the modulus check of FIPS 203 Section 7.2 here.
      const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#key = createPublicKey({ key, format: 'raw-public', asymmetricKeyType: KEY_TYPE[name] })
    } catch {
      throw badKey(`${name} encapsulation key`)
    }
    this.#name = name
    this.bytes = bytes
  }

  encapsulate(): { ciphertext: Uint8Array; sharedSecret: Uint8Array } {
    const { ciphertext, sharedKey } = encapsulate(this.#key)
    return { ciphertext: plain(ciphertext), sharedSecret: plain(sharedKey) }
  }

  encapsulateDeterministically(randomness: Uint8Array): { ciphertext: Uint8Array; sharedSecret: Uint8Array } {
    return encapsulateDeterministically(this.#name, this.bytes, randomness)
  }
}
