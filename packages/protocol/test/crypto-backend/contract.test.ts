import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CryptoBackend, DhGroupName, MlKemName, Sha2Name } from '@sotto/protocol/crypto-backend'
import { crypto as browser } from '@sotto/protocol/crypto-backend/browser'
import { crypto as node } from '@sotto/protocol/crypto-backend/node'
import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'

const runs = process.env['SLOW'] === '1' ? 500 : 25
const backends: [string, CryptoBackend, CryptoBackend][] = [
  ['node', node, browser],
  ['browser', browser, node],
]
const groups: DhGroupName[] = ['X25519', 'X448', 'P-256', 'P-384', 'P-521']
const aeads = ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'] as const
const hashes: Sha2Name[] = ['sha256', 'sha384', 'sha512']
const empty = new Uint8Array(0)
const badKey = expect.objectContaining({ code: 'CRYPTO_BAD_KEY' })
const openFailed = expect.objectContaining({
  code: 'CRYPTO_OPEN_FAILED',
  message: 'message is not authentic',
})

describe.each(backends)('%s backend', (_name, crypto, other) => {
  it('hashes parts as their concatenation, short or long', () => {
    for (const length of [0, 1, 64, 8000, 8192, 20_000]) {
      const data = crypto.randomBytes(length)
      const parts = [data.subarray(0, length >> 1), data.subarray(length >> 1)]
      for (const name of [...hashes, 'sha3-256'] as const) {
        const expected = toHex(other.hash(name, data))
        expect(toHex(crypto.hash(name, ...parts))).toBe(expected)
        expect(toHex(crypto.createHash(name).update(parts[0]!).update(parts[1]!).digest())).toBe(expected)
      }
      for (const name of ['shake128', 'shake256', 'turboshake128', 'turboshake256'] as const) {
        expect(toHex(crypto.xof(name, 77, ...parts))).toBe(toHex(other.xof(name, 77, data)))
      }
    }
  })

  it('knows HKDF test case 1 (RFC 5869 Appendix A.1) and agrees on every length of key', () => {
    const okm = crypto.hkdf(
      'sha256',
      fromHex('000102030405060708090a0b0c'),
      new Uint8Array(22).fill(11),
      fromHex('f0f1f2f3f4f5f6f7f8f9'),
      42,
    )
    expect(toHex(okm)).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
    for (const length of [0, 1, 32, 64, 65, 127, 128, 129, 9000]) {
      const key = crypto.randomBytes(length)
      for (const hash of hashes) {
        expect(toHex(crypto.hmac(hash, key, key, utf8('x')))).toBe(
          toHex(other.hmac(hash, key, concat(key, utf8('x')))),
        )
      }
    }
    expect(() => crypto.hkdfExpand('sha256', empty, empty, 255 * 32 + 1)).toThrow(
      expect.objectContaining({ code: 'CRYPTO_BAD_INPUT' }),
    )
  })

  it('opens what the other backend sealed, whole or in parts, across the slice length', () => {
    for (const name of aeads) {
      const key = crypto.randomBytes(name === 'aes-128-gcm' ? 16 : 32)
      const [nonce, aad] = [crypto.randomBytes(12), crypto.randomBytes(7)]
      for (const length of [0, 1, 16, 1000, 65_536, 65_537, 300_000]) {
        const plaintext = new Uint8Array(length).fill(length & 255)
        const sealed = other.aead(name, key).seal(nonce, aad, plaintext)
        const mine = crypto.aead(name, key)
        const sealer = mine.sealer(nonce, aad)
        const half = plaintext.subarray(0, length >> 1)
        const streamed = [
          ...sealer.update(half),
          ...sealer.update(plaintext.subarray(length >> 1)),
          ...sealer.final(),
        ]
        expect(Buffer.compare(mine.seal(nonce, aad, plaintext), sealed)).toBe(0)
        expect(Buffer.compare(concat(...mine.sealParts(nonce, aad, plaintext)), sealed)).toBe(0)
        expect(Buffer.compare(concat(...streamed), sealed)).toBe(0)
        expect(Buffer.compare(mine.open(nonce, aad, sealed), plaintext)).toBe(0)
        const opener = mine.opener(nonce, aad)
        opener.update(sealed.subarray(0, length))
        expect(Buffer.compare(concat(...opener.final(sealed.subarray(length))), plaintext)).toBe(0)
      }
    }
  })

  it('refuses any flipped byte of ciphertext, nonce, data or key with one uniform error', () => {
    for (const name of aeads) {
      const keyLength = name === 'aes-128-gcm' ? 16 : 32
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 64 }),
          fc.nat(),
          fc.integer({ min: 1, max: 255 }),
          (plaintext, at, flip) => {
            const input = {
              key: crypto.randomBytes(keyLength),
              nonce: crypto.randomBytes(12),
              aad: crypto.randomBytes(5),
            }
            const sealed = crypto.aead(name, input.key).seal(input.nonce, input.aad, plaintext)
            for (const target of [sealed, input.key, input.nonce, input.aad]) {
              target[at % target.length]! ^= flip
              expect(() => crypto.aead(name, input.key).open(input.nonce, input.aad, sealed)).toThrow(
                openFailed,
              )
              const opener = crypto.aead(name, input.key).opener(input.nonce, input.aad)
              opener.update(sealed.subarray(0, -16))
              expect(() => opener.final(sealed.subarray(-16))).toThrow(openFailed)
              target[at % target.length]! ^= flip
            }
          },
        ),
        { numRuns: runs },
      )
      const key = crypto.aead(name, new Uint8Array(keyLength))
      expect(() => key.open(new Uint8Array(12), empty, new Uint8Array(15))).toThrow(openFailed)
      expect(() => key.opener(new Uint8Array(12), empty).final(new Uint8Array(4))).toThrow(openFailed)
      expect(() => key.seal(new Uint8Array(8), empty, empty)).toThrow(
        expect.objectContaining({ code: 'CRYPTO_BAD_INPUT' }),
      )
      expect(() => crypto.aead(name, new Uint8Array(keyLength - 1))).toThrow(badKey)
    }
  })

  it.each(groups)('agrees with the other backend on %s and survives export', (name) => {
    const mine = crypto.dh(name).generate()
    const theirs = other.dh(name).generate()
    const again = crypto.dh(name).importPrivate(mine.export())
    expect(toHex(again.publicKey)).toBe(toHex(mine.publicKey))
    expect(toHex(mine.dh(theirs.publicKey))).toBe(toHex(theirs.dh(again.publicKey)))
    expect(() => crypto.dh(name).importPrivate(new Uint8Array(5))).toThrow(badKey)
    expect(() => crypto.dh(name).importPublic(mine.publicKey.subarray(1))).toThrow(badKey)
    expect(() => mine.dh(mine.publicKey.subarray(1))).toThrow(badKey)
  })

  it.each(['P-256', 'P-384', 'P-521'] as const)(
    'refuses %s points off the curve and scalars out of range',
    (name) => {
      const group = crypto.dh(name)
      const key = group.generate()
      const off = new Uint8Array(key.publicKey)
      off[off.length - 1]! ^= 1
      const compressed = new Uint8Array(key.publicKey)
      compressed[0] = 2
      for (const point of [off, compressed, new Uint8Array(group.publicKeyLength)]) {
        expect(() => key.dh(point)).toThrow(badKey)
        expect(() => group.importPublic(point)).toThrow(badKey)
        expect(() => key.dhkemDecapsulate?.(point) ?? key.dh(point)).toThrow(badKey)
      }
      expect(() => group.importPrivate(new Uint8Array(group.privateKeyLength))).toThrow(badKey)
      expect(() => group.importPrivate(new Uint8Array(group.privateKeyLength).fill(255))).toThrow(badKey)
    },
  )

  // Encodings of points of order 1, 2, 4 and 8 on Curve25519 (RFC 7748 Section 7).
  it.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('refuses the low-order X25519 point %s', (hex) => {
    const key = crypto.dh('X25519').generate()
    expect(() => key.dh(fromHex(hex))).toThrow(badKey)
    expect(() => key.dhkemDecapsulate?.(fromHex(hex)) ?? key.dh(fromHex(hex))).toThrow(badKey)
  })

  it.each<MlKemName>(['ML-KEM-512', 'ML-KEM-768', 'ML-KEM-1024'])(
    'agrees with the other backend on %s',
    (name) => {
      const mine = crypto.mlKem(name).generate()
      const theirs = other.mlKem(name).importPrivate(mine.export())
      expect(Buffer.compare(mine.publicKey, theirs.publicKey)).toBe(0)
      expect(Buffer.compare(mine.exportExpanded(), theirs.exportExpanded())).toBe(0)
      const { ciphertext, sharedSecret } = crypto.mlKem(name).importPublic(mine.publicKey).encapsulate()
      expect(toHex(theirs.decapsulate(ciphertext))).toBe(toHex(sharedSecret))
      ciphertext[0]! ^= 1
      expect(toHex(mine.decapsulate(ciphertext))).toBe(toHex(theirs.decapsulate(ciphertext)))
      expect(toHex(mine.decapsulate(ciphertext))).not.toBe(toHex(sharedSecret))
      expect(() => mine.decapsulate(ciphertext.subarray(1))).toThrow(badKey)
      const expanded = mine.exportExpanded()
      expect(toHex(crypto.mlKem(name).decapsulateExpanded(expanded, ciphertext))).toBe(
        toHex(mine.decapsulate(ciphertext)),
      )
      expanded[expanded.length - 40]! ^= 1
      expect(() => crypto.mlKem(name).decapsulateExpanded(expanded, ciphertext)).toThrow(badKey)
      const randomness = crypto.randomBytes(32)
      const known = crypto.mlKem(name).importPublic(mine.publicKey).encapsulateDeterministically(randomness)
      expect(toHex(mine.decapsulate(known.ciphertext))).toBe(toHex(known.sharedSecret))
    },
  )

  it('refuses an ML-KEM encapsulation key with a coefficient that is not reduced', () => {
    const { publicKey } = crypto.mlKem('ML-KEM-768').generate()
    // Two 12-bit coefficients in three bytes: the first becomes q = 3329 = 0xd01.
    publicKey[0] = 0x01
    publicKey[1] = (publicKey[1]! & 0xf0) | 0x0d
    expect(() => crypto.mlKem('ML-KEM-768').importPublic(publicKey)).toThrow(badKey)
  })

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
      { modulus, exponent: empty },
    ]) {
      expect(() => crypto.rsa.importPss(key, 'sha384', 48)).toThrow(badKey)
      expect(() => crypto.rsa.importPkcs1(key, 'sha256')).toThrow(badKey)
    }
  })

  it('gives fresh random bytes of any length and refuses absurd ones', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 600; i++) seen.add(toHex(crypto.randomBytes(16)))
    expect(seen.size).toBe(600)
    for (const length of [0, 1, 1025, 70_000]) expect(crypto.randomBytes(length)).toHaveLength(length)
    expect(
      crypto
        .randomBytes(70_000)
        .subarray(65_536)
        .some((byte) => byte !== 0),
    ).toBe(true)
    expect(() => crypto.randomBytes(2 ** 20 + 1)).toThrow(
      expect.objectContaining({ code: 'CRYPTO_BAD_INPUT' }),
    )
  })

  it('compares bytes', () => {
    expect(crypto.equal(fromHex('00ff'), fromHex('00ff'))).toBe(true)
    expect(crypto.equal(fromHex('00ff'), fromHex('00fe'))).toBe(false)
    expect(crypto.equal(fromHex('00ff'), fromHex('00'))).toBe(false)
  })
})
