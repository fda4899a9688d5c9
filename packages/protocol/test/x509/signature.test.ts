import { generateKeyPairSync, sign, constants } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { TAG } from '@sotto/protocol/der'
import {
  parsePublicKey,
  parseSignatureAlgorithm,
  rawEcdsaSignature,
  verifySignature,
} from '@sotto/protocol/x509'
import { derWriter, ecdsaDer, fakeKey } from '@sotto/testkit/x509'

const { der, explicit, integer, nothing, oid, sequence } = derWriter
const malformed = expect.objectContaining({ code: 'X509_MALFORMED' })
const unsupported = expect.objectContaining({ code: 'X509_UNSUPPORTED' })
const message = utf8('to be signed')

const HASH = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
} as const
const hash = (name: keyof typeof HASH): Uint8Array => sequence(oid(HASH[name]), nothing())
const mgf1 = (name: keyof typeof HASH): Uint8Array => sequence(oid('1.2.840.113549.1.1.8'), hash(name))
const number = (value: number): Uint8Array => integer(Uint8Array.of(value))
const pss = (...fields: Uint8Array[]): Uint8Array =>
  sequence(oid('1.2.840.113549.1.1.10'), sequence(...fields))

describe('signature algorithms', () => {
  it.each<[string, Uint8Array, object]>([
    ['ECDSA with SHA-256', sequence(oid('1.2.840.10045.4.3.2')), { name: 'ecdsa', hash: 'sha256' }],
    ['ECDSA with SHA-512', sequence(oid('1.2.840.10045.4.3.4')), { name: 'ecdsa', hash: 'sha512' }],
    [
      'RSA with NULL',
      sequence(oid('1.2.840.113549.1.1.12'), nothing()),
      { name: 'rsa-pkcs1', hash: 'sha384' },
    ],
    ['RSA without parameters', sequence(oid('1.2.840.113549.1.1.11')), { name: 'rsa-pkcs1', hash: 'sha256' }],
    [
      "RSASSA-PSS with AMD's explicit trailer",
      pss(
        explicit(0, hash('sha384')),
        explicit(1, mgf1('sha384')),
        explicit(2, number(48)),
        explicit(3, number(1)),
      ),
      { name: 'rsa-pss', hash: 'sha384', saltLength: 48 },
    ],
    [
      'RSASSA-PSS without it',
      pss(explicit(0, hash('sha256')), explicit(1, mgf1('sha256')), explicit(2, number(32))),
      { name: 'rsa-pss', hash: 'sha256', saltLength: 32 },
    ],
  ])('%s', (_, input, expected) => {
    expect(parseSignatureAlgorithm(input)).toEqual(expected)
    expect(parseSignatureAlgorithm(input.slice())).toBe(parseSignatureAlgorithm(input))
  })

  it.each<[string, Uint8Array]>([
    ['Ed25519', sequence(oid('1.3.101.112'))],
    ['RSA with SHA-1', sequence(oid('1.2.840.113549.1.1.5'), nothing())],
    ['ECDSA with SHA-1', sequence(oid('1.2.840.10045.4.1'))],
    ['PSS with SHA-1', pss(explicit(0, hash('sha1')), explicit(1, mgf1('sha1')), explicit(2, number(20)))],
    [
      'PSS with SHA-1 in MGF1',
      pss(explicit(0, hash('sha384')), explicit(1, mgf1('sha1')), explicit(2, number(48))),
    ],
    [
      'PSS with another hash in MGF1',
      pss(explicit(0, hash('sha384')), explicit(1, mgf1('sha256')), explicit(2, number(48))),
    ],
    [
      'PSS with another mask',
      pss(
        explicit(0, hash('sha384')),
        explicit(1, sequence(oid('1.2.3'), hash('sha384'))),
        explicit(2, number(48)),
      ),
    ],
    [
      'PSS with another trailer',
      pss(
        explicit(0, hash('sha384')),
        explicit(1, mgf1('sha384')),
        explicit(2, number(48)),
        explicit(3, number(2)),
      ),
    ],
  ])('refuse %s', (_, input) => {
    expect(() => parseSignatureAlgorithm(input)).toThrow(unsupported)
  })

  it.each<[string, Uint8Array]>([
    ['PSS without parameters', sequence(oid('1.2.840.113549.1.1.10'))],
    ['PSS by default, which is SHA-1', pss()],
    ['PSS with the default mask', pss(explicit(0, hash('sha384')), explicit(2, number(48)))],
    ['PSS with the default salt', pss(explicit(0, hash('sha384')), explicit(1, mgf1('sha384')))],
    [
      'PSS with a salt of 65 bytes',
      pss(explicit(0, hash('sha384')), explicit(1, mgf1('sha384')), explicit(2, number(65))),
    ],
    [
      'PSS with a negative salt',
      pss(
        explicit(0, hash('sha384')),
        explicit(1, mgf1('sha384')),
        explicit(2, der(TAG.INTEGER, Uint8Array.of(0xff))),
      ),
    ],
    [
      'PSS with something more',
      pss(
        explicit(0, hash('sha384')),
        explicit(1, mgf1('sha384')),
        explicit(2, number(48)),
        explicit(3, number(1)),
        nothing(),
      ),
    ],
    ['ECDSA with NULL', sequence(oid('1.2.840.10045.4.3.3'), nothing())],
    ['RSA with something more', sequence(oid('1.2.840.113549.1.1.11'), nothing(), nothing())],
    ['bytes after it', concat(sequence(oid('1.2.840.10045.4.3.3')), nothing())],
  ])('refuse %s', (_, input) => {
    expect(() => parseSignatureAlgorithm(input)).toThrow(malformed)
  })
})

describe('ECDSA signatures have one spelling', () => {
  const one = Uint8Array.of(1)
  const top = new Uint8Array(32).fill(0xff)
  it('of r and s', () => {
    const raw = rawEcdsaSignature(sequence(integer(one), integer(top)), 32)
    expect(raw).toEqual(concat(new Uint8Array(31), one, top))
    expect(ecdsaDer(raw!)).toEqual(sequence(integer(one), integer(top)))
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['r || s', concat(top, top)],
    ['r alone', sequence(integer(one))],
    ['three numbers', sequence(integer(one), integer(one), integer(one))],
    ['r of 0', sequence(integer(new Uint8Array(0)), integer(one))],
    ['s of 0', sequence(integer(one), integer(new Uint8Array(0)))],
    ['a negative r', sequence(der(TAG.INTEGER, Uint8Array.of(0x81)), integer(one))],
    ['r with a zero too many', sequence(der(TAG.INTEGER, Uint8Array.of(0, 1)), integer(one))],
    ['s of 33 bytes', sequence(integer(one), integer(new Uint8Array(33).fill(1)))],
    ['bytes after it', concat(sequence(integer(one), integer(one)), nothing())],
    ['a length that is not minimal', concat(fromHex('308106'), integer(one), integer(one))],
    ['an indefinite length', concat(fromHex('3080'), integer(one), integer(one), fromHex('0000'))],
  ])('and not %s', (_, input) => {
    expect(rawEcdsaSignature(input, 32)).toBeUndefined()
  })
})

describe('verification', () => {
  const key = fakeKey('P-256')
  const publicKey = { type: 'ec', curve: 'P-256', point: key.publicKey } as const
  const ecdsa = parseSignatureAlgorithm(sequence(oid('1.2.840.10045.4.3.2')))

  it('accepts a signature and nothing beside it', () => {
    const signature = key.sign(message)
    expect(verifySignature(publicKey, ecdsa, message, signature)).toBe(true)
    expect(verifySignature(publicKey, ecdsa, utf8('another message'), signature)).toBe(false)
    expect(verifySignature(publicKey, ecdsa, message, concat(signature, Uint8Array.of(0)))).toBe(false)
    expect(verifySignature({ ...publicKey, point: fakeKey().publicKey }, ecdsa, message, signature)).toBe(
      false,
    )
    expect(verifySignature(publicKey, { name: 'ecdsa', hash: 'sha384' }, message, signature)).toBe(false)
  })

  it.each(['rsa-pss', 'rsa-pkcs1'] as const)('accepts %s of other software', (name) => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const rsa = parsePublicKey(new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' })))
    const padding = name === 'rsa-pss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
    const signature = new Uint8Array(
      sign('sha384', message, { key: pair.privateKey, padding, saltLength: 48 }),
    )
    const algorithm =
      name === 'rsa-pss'
        ? ({ name, hash: 'sha384', saltLength: 48 } as const)
        : ({ name, hash: 'sha384' } as const)
    expect(verifySignature(rsa, algorithm, message, signature)).toBe(true)
    signature[100]! ^= 1
    expect(verifySignature(rsa, algorithm, message, signature)).toBe(false)
  })

  it('is false when key and algorithm are of two kinds', () => {
    expect(
      verifySignature(publicKey, { name: 'rsa-pkcs1', hash: 'sha256' }, message, key.sign(message)),
    ).toBe(false)
    const rsa = { type: 'rsa', modulus: new Uint8Array(256).fill(0xff), exponent: Uint8Array.of(3) } as const
    expect(verifySignature(rsa, ecdsa, message, key.sign(message))).toBe(false)
  })

  it('names a key that is none', () => {
    const offCurve = { ...publicKey, point: concat(Uint8Array.of(4), crypto.randomBytes(64)) }
    expect(() => verifySignature(offCurve, ecdsa, message, key.sign(message))).toThrow(unsupported)
    const small = {
      type: 'rsa',
      modulus: new Uint8Array(128).fill(0xff),
      exponent: Uint8Array.of(3),
    } as const
    expect(() =>
      verifySignature(small, { name: 'rsa-pkcs1', hash: 'sha256' }, message, new Uint8Array(128)),
    ).toThrow(unsupported)
  })
})
