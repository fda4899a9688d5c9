import fc from 'fast-check'
import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { TAG } from '@sotto/protocol/der'
import { SottoError } from '@sotto/protocol/errors'
import {
  isSignedBy,
  KEY_USAGE,
  parseCertificate,
  parseCertificatePrefix,
  parsePublicKey,
} from '@sotto/protocol/x509'
import { FAKE_NOW } from '@sotto/testkit/x509'
import {
  assemble,
  attribute,
  bits,
  boolean,
  der,
  extension,
  integer,
  malformed,
  name,
  nothing,
  oid,
  root,
  sequence,
  withExtensions,
} from './certificate-parts.ts'

const RUNS = process.env['SLOW'] ? 2000 : 100
const leaf = root.issue({
  commonName: 'Leaf',
  serialNumber: fromHex('00f0'),
  extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'],
  extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(9) }],
})

describe('a certificate', () => {
  it('has the fields that it was made of', () => {
    expect(leaf.certificate).toMatchObject({
      serialNumber: Uint8Array.of(0xf0),
      issuer: name('Fake Root'),
      subject: name('Leaf'),
      issuerText: 'CN=Fake Root',
      subjectText: 'CN=Leaf',
      commonName: 'Leaf',
      notBefore: FAKE_NOW - 31_536_000,
      notAfter: FAKE_NOW + 31_536_000,
      publicKey: { type: 'ec', curve: 'P-384', point: leaf.key.publicKey },
      signatureAlgorithm: { name: 'ecdsa', hash: 'sha384' },
      basicConstraints: { ca: false, pathLength: undefined },
      keyUsage: KEY_USAGE.digitalSignature,
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'],
      subjectKeyIdentifier: crypto.sha256(leaf.key.publicKey).slice(0, 20),
      authorityKeyIdentifier: undefined,
    })
    expect(leaf.certificate.extensions.get('1.2.3.4')).toEqual({ critical: true, value: Uint8Array.of(9) })
    expect([...leaf.certificate.extensions.keys()]).toEqual([
      '2.5.29.14',
      '2.5.29.19',
      '2.5.29.15',
      '2.5.29.37',
      '1.2.3.4',
    ])
  })

  it('is read by OpenSSL in the same way', () => {
    const other = new X509Certificate(leaf.der)
    expect(Number.parseInt(other.serialNumber, 16)).toBe(0xf0)
    expect(other.subject).toBe('CN=Leaf')
    expect(other.verify(new X509Certificate(root.der).publicKey)).toBe(true)
    expect(isSignedBy(leaf.certificate, root.certificate)).toBe(true)
  })

  it('is a copy: what the sender writes afterwards changes nothing', () => {
    const input = leaf.der.slice()
    const parsed = parseCertificate(input)
    input.fill(0)
    expect(isSignedBy(parsed, root.certificate)).toBe(true)
    expect(parsed.der).toEqual(leaf.der)
  })

  it('may have serial number 0, as AMD gives it', () => {
    expect(parseCertificate(assemble({ serial: integer(new Uint8Array(0)) })).serialNumber).toHaveLength(0)
  })

  it('may write what DER leaves out, as vendors do', () => {
    const parsed = parseCertificate(
      withExtensions(
        extension('2.5.29.19', sequence(boolean(false)), boolean(false)),
        extension('2.5.29.15', der(TAG.BIT_STRING, Uint8Array.of(0, 6))),
      ),
    )
    expect(parsed.basicConstraints).toEqual({ ca: false, pathLength: undefined })
    expect(parsed.keyUsage).toBe(KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign)
  })

  it('may have no extensions and no subject', () => {
    const parsed = parseCertificate(assemble({ extensions: new Uint8Array(0), subject: sequence() }))
    expect(parsed).toMatchObject({
      subjectText: '',
      commonName: undefined,
      basicConstraints: undefined,
      keyUsage: undefined,
    })
    expect(parsed.extensions.size).toBe(0)
  })

  it('may be followed by bytes only where the caller says so', () => {
    const stored = concat(leaf.der, new Uint8Array(37))
    const { certificate, rest } = parseCertificatePrefix(stored)
    expect(certificate.der).toEqual(leaf.der)
    expect(rest).toEqual(new Uint8Array(37))
    expect(() => parseCertificate(stored)).toThrow(malformed)
  })
})

describe('names', () => {
  const textOf = (subject: Uint8Array): string => parseCertificate(assemble({ subject })).subjectText

  it('are shown in the order of the certificate', () => {
    const part = (id: string, text: string): Uint8Array =>
      der(TAG.SET, sequence(oid(id), der(TAG.PRINTABLE_STRING, utf8(text))))
    expect(
      textOf(
        sequence(
          part('2.5.4.6', 'US'),
          part('2.5.4.10', 'Vendor'),
          part('2.5.4.5', '17'),
          part('1.2.3', 'x'),
        ),
      ),
    ).toBe('C=US,O=Vendor,serialNumber=17,1.2.3=x')
  })

  it('cannot write a second attribute or move a cursor', () => {
    expect(textOf(name('a,O=Vendor+x\\'))).toBe('CN=a\\,O\\=Vendor\\+x\\\\')
    expect(textOf(name('a\u001b[2J\u202eb'))).toBe('CN=a\ufffd[2J\ufffdb')
  })

  it('of types without a decoder are shown in hexadecimal', () => {
    expect(textOf(attribute(TAG.BMP_STRING, Uint8Array.of(0, 65)))).toBe('CN=#1e020041')
  })

  it('have no commonName when they have two', () => {
    const one = der(TAG.SET, sequence(oid('2.5.4.3'), der(TAG.UTF8_STRING, utf8('a'))))
    expect(parseCertificate(assemble({ subject: sequence(one, one) })).commonName).toBeUndefined()
  })
})

describe('public keys', () => {
  it('of RSA have a modulus and an exponent', () => {
    const key = sequence(integer(new Uint8Array(256).fill(0xff)), integer(fromHex('010001')))
    const spki = sequence(sequence(oid('1.2.840.113549.1.1.1'), nothing()), bits(key))
    expect(parsePublicKey(spki)).toEqual({
      type: 'rsa',
      modulus: new Uint8Array(256).fill(0xff),
      exponent: fromHex('010001'),
    })
    expect(() => parsePublicKey(concat(spki, nothing()))).toThrow(malformed)
    const trailing = sequence(sequence(oid('1.2.840.113549.1.1.1'), nothing()), bits(concat(key, nothing())))
    expect(() => parsePublicKey(trailing)).toThrow(malformed)
    expect(() => parsePublicKey(sequence(sequence(oid('1.2.840.113549.1.1.1')), bits(key)))).toThrow(
      malformed,
    )
  })
})

describe('whatever the bytes are', () => {
  it('any flipped bit of what is signed breaks the signature', () => {
    const { tbs } = leaf.certificate
    const start =
      leaf.der.length - leaf.certificate.der.length + tbs.byteOffset - leaf.certificate.der.byteOffset
    fc.assert(
      fc.property(fc.integer({ min: 0, max: tbs.length * 8 - 1 }), (bit) => {
        const copy = leaf.der.slice()
        copy[start + (bit >> 3)]! ^= 1 << (bit & 7)
        let parsed
        try {
          parsed = parseCertificate(copy)
        } catch (error) {
          expect(error).toBeInstanceOf(SottoError)
          return
        }
        expect(toHex(parsed.tbs)).not.toBe(toHex(tbs))
        expect(isSignedBy(parsed, root.certificate)).toBe(false)
      }),
      { numRuns: RUNS },
    )
  })

  it('only a SottoError is thrown', () => {
    const damaged = fc
      .record({ at: fc.nat(leaf.der.length - 1), by: fc.uint8Array({ maxLength: 8 }), gone: fc.nat(8) })
      .map(({ at, by, gone }) =>
        concat(leaf.der.subarray(0, at), by, leaf.der.subarray(Math.min(at + gone, leaf.der.length))),
      )
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (input) => {
        try {
          parseCertificate(input)
        } catch (error) {
          expect(error).toBeInstanceOf(SottoError)
        }
      }),
      { numRuns: RUNS * 5 },
    )
  })
})
