import { describe, expect, it } from 'vitest'
import type { DhGroupName, MlKemName } from '@sotto/protocol/crypto-backend'
import { fromHex, toHex } from '@sotto/protocol/bytes'
import { backends, badKey } from './backends.ts'

const groups: DhGroupName[] = ['X25519', 'X448', 'P-256', 'P-384', 'P-521']

describe.each(backends)('%s backend', (_name, crypto, other) => {
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
})
