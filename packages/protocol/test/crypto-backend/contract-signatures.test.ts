import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { backends, badKey, hashes } from './backends.ts'

describe.each(backends)('%s backend', (_name, crypto, other) => {
  it('signs Ed25519 as RFC 8032 Section 7.1 test 2, and refuses every flipped byte', () => {
    const key = crypto.ed25519.importPrivate(
      fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'),
    )
    const message = fromHex('72')
    const signature = key.sign(message)
    expect(toHex(key.publicKey)).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
    expect(toHex(signature)).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    )
    const verifier = crypto.ed25519.importPublic(key.publicKey)
    expect(verifier.verify(message, signature)).toBe(true)
    for (let i = 0; i < signature.length; i++) {
      const forged = new Uint8Array(signature)
      forged[i]! ^= 1 << (i % 8)
      expect(verifier.verify(message, forged)).toBe(false)
    }
    expect(verifier.verify(message, signature.subarray(1))).toBe(false)
    expect(() => crypto.ed25519.importPublic(new Uint8Array(32))).toThrow(badKey)
    expect(() => crypto.ed25519.importPublic(new Uint8Array(32).fill(255))).toThrow(badKey)
    expect(() => crypto.ed25519.importPublic(new Uint8Array(31))).toThrow(badKey)
  })

  it.each(['P-256', 'P-384', 'P-521'] as const)('signs ECDSA on %s for the other backend', (curve) => {
    const { privateKey, publicKey } = crypto.ecdsa.generate(curve)
    for (const hash of hashes) {
      const signature = crypto.ecdsa.importPrivate(curve, hash, privateKey).sign(utf8('message'))
      expect(other.ecdsa.importPublic(curve, hash, publicKey).verify(utf8('message'), signature)).toBe(true)
      expect(crypto.ecdsa.importPublic(curve, hash, publicKey).verify(utf8('massage'), signature)).toBe(false)
      const zero = new Uint8Array(signature.length)
      expect(crypto.ecdsa.importPublic(curve, hash, publicKey).verify(utf8('message'), zero)).toBe(false)
    }
  })

  it('verifies ECDSA with scalars that begin with zeros, and refuses those that are none', () => {
    const { privateKey, publicKey } = other.ecdsa.generate('P-256')
    const signer = other.ecdsa.importPrivate('P-256', 'sha256', privateKey)
    const key = crypto.ecdsa.importPublic('P-256', 'sha256', publicKey)
    const startsWithZero = [false, false]
    for (let i = 0; i < 5000 && startsWithZero.includes(false); i++) {
      const message = utf8(`${i}`)
      const signature = signer.sign(message)
      const zeros = [signature[0] === 0, signature[32] === 0]
      if (zeros.includes(true)) expect(key.verify(message, signature)).toBe(true)
      zeros.forEach((isZero, part) => (startsWithZero[part] ||= isZero))
    }
    expect(startsWithZero).toEqual([true, true])
    const message = utf8('message')
    const signature = signer.sign(message)
    const order = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    for (const scalar of [new Uint8Array(32), new Uint8Array(32).fill(255), order])
      for (const forged of [
        concat(scalar, signature.subarray(32)),
        concat(signature.subarray(0, 32), scalar),
        concat(signature, scalar),
      ])
        expect(key.verify(message, forged)).toBe(false)
  })

  it('refuses RSA keys out of bounds', () => {
    const exponent = fromHex('010001')
    const modulus = new Uint8Array(256).fill(255)
    for (const key of [
      { modulus: modulus.subarray(1), exponent },
      { modulus: new Uint8Array(520).fill(255), exponent },
      { modulus: new Uint8Array(256), exponent },
      { modulus, exponent: fromHex('01') },
      { modulus, exponent: fromHex('02') },
      { modulus, exponent: fromHex('0100000001') },
      { modulus, exponent: new Uint8Array(0) },
    ]) {
      expect(() => crypto.rsa.importPss(key, 'sha384', 48)).toThrow(badKey)
      expect(() => crypto.rsa.importPkcs1(key, 'sha256')).toThrow(badKey)
    }
  })
})
