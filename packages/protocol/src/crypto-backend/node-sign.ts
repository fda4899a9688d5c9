import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { badKey, requireKeyLength } from './errors.ts'
import { requirePrimeOrder } from './ed25519-points.ts'
import { dh, toJwk } from './node-dh.ts'
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

/** ECDSA on node:crypto. */
export const ecdsa: Ecdsa = {
  generate(curve) {
    const pair = dh(curve).generate()
    return { privateKey: pair.export(), publicKey: pair.publicKey }
  },
  importPrivate(curve, hash, privateKey): SigningKey {
    const { publicKey } = dh(curve).importPrivate(privateKey)
    const key = createPrivateKey({
      key: { ...toJwk(curve, publicKey), d: base64Url(privateKey) },
      format: 'jwk',
    })
    return { publicKey, sign: (message) => plain(sign(hash, message, { key, dsaEncoding: 'ieee-p1363' })) }
  },
  importPublic(curve, hash: Sha2Name, publicKey): VerifyingKey {
    const group = dh(curve)
    requireKeyLength(`${curve} public key`, publicKey, group.publicKeyLength)
    const bytes = new Uint8Array(publicKey)
    let key: KeyObject
    try {
      key = createPublicKey({ key: toJwk(curve, bytes), format: 'jwk' })
    } catch {
      throw badKey(`${curve} public key`)
    }
    const options = { key, dsaEncoding: 'ieee-p1363' } as const
    return {
      bytes,
      verify: (message, signature) =>
        signature.length === 2 * group.privateKeyLength && verify(hash, message, options, signature),
    }
  },
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')
}
