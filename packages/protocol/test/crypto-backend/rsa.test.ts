import { constants, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto as browser } from '@sotto/protocol/crypto-backend/browser'
import { crypto as node } from '@sotto/protocol/crypto-backend/node'

// 2049 bits: the encoding is one octet shorter than the modulus, which is easy to get wrong.
describe.each([2048, 2049])('RSA signatures of %i bits', (modulusLength) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
  const jwk = publicKey.export({ format: 'jwk' })
  const key = { modulus: fromBase64Url(jwk.n!), exponent: fromBase64Url(jwk.e!) }
  const message = utf8('message')

  it.each([node, browser])('$name backend verifies PSS with the right salt length only', (crypto) => {
    for (const [hash, saltLength] of [
      ['sha256', 32],
      ['sha384', 48],
      ['sha512', 0],
    ] as const) {
      const signature = sign(hash, message, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength,
      })
      expect(crypto.rsa.importPss(key, hash, saltLength).verify(message, signature)).toBe(true)
      expect(crypto.rsa.importPss(key, hash, saltLength + 1).verify(message, signature)).toBe(false)
      expect(crypto.rsa.importPkcs1(key, hash).verify(message, signature)).toBe(false)
      signature[signature.length - 1]! ^= 1
      expect(crypto.rsa.importPss(key, hash, saltLength).verify(message, signature)).toBe(false)
    }
  })

  it.each([node, browser])('$name backend verifies PKCS #1 v1.5', (crypto) => {
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      const signature = sign(hash, message, privateKey)
      expect(crypto.rsa.importPkcs1(key, hash).verify(message, signature)).toBe(true)
      expect(crypto.rsa.importPkcs1(key, hash).verify(utf8('massage'), signature)).toBe(false)
      expect(crypto.rsa.importPss(key, hash, 32).verify(message, signature)).toBe(false)
      expect(crypto.rsa.importPkcs1(key, hash).verify(message, key.modulus)).toBe(false)
      expect(crypto.rsa.importPkcs1(key, hash).verify(message, signature.subarray(1))).toBe(false)
    }
  })
})
