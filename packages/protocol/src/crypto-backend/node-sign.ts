import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { badKey, requireKeyLength } from './errors.ts'
import { requirePrimeOrder } from './ed25519-points.ts'
import { derElement, derInteger } from './node-der.ts'
import { dh, importPublic, toJwk } from './node-dh.ts'
import { plain } from './node-hash.ts'
import { randomBytes } from './node-random.ts'
import type { Ecdsa, Ed25519, Sha2Name, SigningKey, VerifyingKey } from './types.ts'

/** Ed25519 on node:crypto. */
export const ed25519: Ed25519 = {
  generate() {
    const seed = randomBytes(32)
    return { seed, publicKey: ed25519.importPrivate(seed).publicKey }
  },
  importPrivate(seed) {
    requireKeyLength('Ed25519 seed', seed, 32)
    const d = base64Url(seed)
    // Node wants `x` to be present and OpenSSL computes it anew.
    const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x: d, d }, format: 'jwk' })
    const publicKey = new Uint8Array(
      Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x!, 'base64url'),
    )
    return { publicKey, sign: (message) => plain(sign(null, message, key)) }
  },
  importPublic(publicKey) {
    const bytes = new Uint8Array(publicKey)
    requirePrimeOrder(bytes)
    let key: KeyObject
    try {
      key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64Url(bytes) }, format: 'jwk' })
    } catch {
      throw badKey('Ed25519 public key')
    }
    return {
      bytes,
      verify: (message, signature) => signature.length === 64 && verify(null, message, key, signature),
    }
  },
}

/**
 * Signatures as `r || s`. Options stand on the key itself: of an object with a key in it Node finds out by two
 * exceptions that it is none, which takes as long as half a verification. If a Node did not read them there,
 * no signature would be valid.
 */
const RAW_SIGNATURE = { dsaEncoding: 'ieee-p1363' } as const

/** ECDSA on node:crypto. */
export const ecdsa: Ecdsa = {
  generate(curve) {
    const pair = dh(curve).generate()
    return { privateKey: pair.export(), publicKey: pair.publicKey }
  },
  importPrivate(curve, hash, privateKey): SigningKey {
    const { publicKey } = dh(curve).importPrivate(privateKey)
    const jwk = { ...toJwk(curve, publicKey), d: base64Url(privateKey) }
    const key = Object.assign(createPrivateKey({ key: jwk, format: 'jwk' }), RAW_SIGNATURE)
    return { publicKey, sign: (message) => plain(sign(hash, message, key)) }
  },
  importPublic(curve, hash: Sha2Name, publicKey): VerifyingKey {
    const key = importPublic(curve, publicKey)
    const bytes = new Uint8Array(publicKey)
    const scalarLength = dh(curve).privateKeyLength
    return {
      bytes,
      verify: (message, signature) =>
        signature.length === 2 * scalarLength && verify(hash, message, key, toDer(signature, scalarLength)),
    }
  },
}

/** ECDSA-Sig-Value (RFC 3279 Section 2.2.3) of `r || s`. Node's own way there takes a quarter of a verification with P-256. */
function toDer(signature: Uint8Array, scalarLength: number): Uint8Array {
  const [r, s] = [signature.subarray(0, scalarLength), signature.subarray(scalarLength)]
  return derElement(0x30, derInteger(r), derInteger(s))
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}
