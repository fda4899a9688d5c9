import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { badKey, requireKeyLength } from './errors.ts'
import { publicKeyPem } from './node-der.ts'
import { plain } from './node-hash.ts'
import type { DhGroup, DhGroupName, DhPrivateKey, DhPublicKey, EcdsaCurveName } from './types.ts'

/** Sizes in bytes: of a private key and of a shared secret; a NIST point has two coordinates and a type byte. */
const SECRET_LENGTH: Record<DhGroupName, number> = {
  X25519: 32,
  X448: 56,
  'P-256': 32,
  'P-384': 48,
  'P-521': 66,
}
const ECDH_NAME = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' } as const

const GROUPS: Record<DhGroupName, DhGroup> = {
  X25519: makeGroup('X25519'),
  X448: makeGroup('X448'),
  'P-256': makeGroup('P-256'),
  'P-384': makeGroup('P-384'),
  'P-521': makeGroup('P-521'),
}

/** Diffie-Hellman groups on node:crypto. */
export function dh(name: DhGroupName): DhGroup {
  return GROUPS[name]
}

function makeGroup(name: DhGroupName): DhGroup {
  return {
    name,
    publicKeyLength: publicKeyLength(name),
    privateKeyLength: SECRET_LENGTH[name],
    sharedSecretLength: SECRET_LENGTH[name],
    generate: () => generate(name),
    importPrivate(raw) {
      const { key, publicKey } = importPrivate(name, raw)
      return new NodeDhPrivateKey(name, key, publicKey, new Uint8Array(raw))
    },
    importPublic: (raw) => new NodeDhPublicKey(name, new Uint8Array(raw)),
  }
}

class NodeDhPrivateKey implements DhPrivateKey {
  readonly publicKey: Uint8Array
  readonly #name: DhGroupName
  readonly #key: KeyObject
  #raw: Uint8Array | undefined

  constructor(name: DhGroupName, key: KeyObject, publicKey: Uint8Array, raw?: Uint8Array) {
    this.#name = name
    this.#key = key
    this.publicKey = publicKey
    this.#raw = raw
  }

  export(): Uint8Array {
    this.#raw ??= fromBase64Url(this.#key.export({ format: 'jwk' }).d)
    return new Uint8Array(this.#raw)
  }

  dh(peer: Uint8Array): Uint8Array {
    const publicKey = importPublic(this.#name, peer)
    try {
      // OpenSSL refuses an all-zero X25519 or X448 result (RFC 7748 Section 6).
      return plain(diffieHellman({ privateKey: this.#key, publicKey }))
    } catch {
      throw badKey(`${this.#name} public key`)
    }
  }

  dhkemDecapsulate(enc: Uint8Array): Uint8Array {
    requireKeyLength(`${this.#name} public key`, enc, publicKeyLength(this.#name))
    try {
      return plain(decapsulate(this.#key, enc))
    } catch {
      throw badKey(`${this.#name} public key`)
    }
  }
}

class NodeDhPublicKey implements DhPublicKey {
  readonly bytes: Uint8Array
  readonly #name: DhGroupName
  readonly #key: KeyObject

  constructor(name: DhGroupName, bytes: Uint8Array) {
    this.#name = name
    this.#key = importPublic(name, bytes)
    this.bytes = bytes
  }

  dhkemEncapsulate(): { enc: Uint8Array; sharedSecret: Uint8Array } {
    try {
      const { ciphertext, sharedKey } = encapsulate(this.#key)
      return { enc: plain(ciphertext), sharedSecret: plain(sharedKey) }
    } catch {
      throw badKey(`${this.#name} public key`)
    }
  }
}

// The public half is encoded while the pair is generated: exporting it from a KeyObject of its own
// can deadlock when a garbage collection inside the export frees the other half of the pair.
const AS_JWK = { publicKeyEncoding: { format: 'jwk' } } as const

function generate(name: DhGroupName): DhPrivateKey {
  const pair = isMontgomery(name)
    ? generateKeyPairSync(name.toLowerCase() as 'x25519', AS_JWK as never)
    : generateKeyPairSync('ec', { namedCurve: name, ...AS_JWK } as never)
  const { publicKey, privateKey } = pair as unknown as { publicKey: JsonWebKey; privateKey: KeyObject }
  return new NodeDhPrivateKey(name, privateKey, fromJwk(publicKey))
}

/** DER of SubjectPublicKeyInfo (RFC 5480, RFC 8410) before the bits of the key, in hexadecimal. */
const SPKI_START: Record<DhGroupName, Buffer> = {
  X25519: Buffer.from('302a300506032b656e032100', 'hex'),
  X448: Buffer.from('3042300506032b656f033900', 'hex'),
  'P-256': Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
  'P-384': Buffer.from('3076301006072a8648ce3d020106052b81040022036200', 'hex'),
  'P-521': Buffer.from('30819b301006072a8648ce3d020106052b8104002303818600', 'hex'),
}

/**
 * Imports as PEM, in half the time of JWK or DER: those come in objects, and of each object Node finds out by
 * exceptions that it is no key yet. OpenSSL checks that a point is on its curve.
 *
 * @throws `CRYPTO_BAD_KEY`, for compressed points too
 */
export function importPublic(name: DhGroupName, raw: Uint8Array): KeyObject {
  requireKeyLength(`${name} public key`, raw, publicKeyLength(name))
  if (!isMontgomery(name) && raw[0] !== 4) throw badKey(`${name} point`)
  try {
    return createPublicKey(publicKeyPem(Buffer.concat([SPKI_START[name], raw])))
  } catch {
    throw badKey(`${name} public key`)
  }
}

function importPrivate(name: DhGroupName, raw: Uint8Array): { key: KeyObject; publicKey: Uint8Array } {
  requireKeyLength(`${name} private key`, raw, SECRET_LENGTH[name])
  const d = base64Url(raw)
  try {
    if (isMontgomery(name)) {
      // Node wants `x` to be present and OpenSSL computes it anew.
      const key = createPrivateKey({ key: { kty: 'OKP', crv: name, x: d, d }, format: 'jwk' })
      return { key, publicKey: fromJwk(createPublicKey(key).export({ format: 'jwk' })) }
    }
    const ecdh = createECDH(ECDH_NAME[name])
    ecdh.setPrivateKey(raw)
    const publicKey = plain(ecdh.getPublicKey())
    return { key: createPrivateKey({ key: { ...toJwk(name, publicKey), d }, format: 'jwk' }), publicKey }
  } catch {
    throw badKey(`${name} private key`)
  }
}

function isMontgomery(name: DhGroupName): name is 'X25519' | 'X448' {
  return name === 'X25519' || name === 'X448'
}

function publicKeyLength(name: DhGroupName): number {
  return isMontgomery(name) ? SECRET_LENGTH[name] : 1 + 2 * SECRET_LENGTH[name]
}

/** JWK of an uncompressed point that node:crypto made. */
export function toJwk(name: EcdsaCurveName, raw: Uint8Array): JsonWebKey {
  const half = 1 + SECRET_LENGTH[name]
  return { kty: 'EC', crv: name, x: base64Url(raw.subarray(1, half)), y: base64Url(raw.subarray(half)) }
}

/** Raw public key of a JWK that node:crypto wrote (coordinates have their full length). */
export function fromJwk(jwk: JsonWebKey): Uint8Array {
  const x = fromBase64Url(jwk.x)
  if (jwk.y === undefined) return x
  const out = new Uint8Array(1 + 2 * x.length)
  out[0] = 4
  out.set(x, 1)
  out.set(fromBase64Url(jwk.y), 1 + x.length)
  return out
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}

function fromBase64Url(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text!, 'base64url'))
}
