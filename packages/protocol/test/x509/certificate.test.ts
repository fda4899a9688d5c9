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
import { derWriter, FAKE_NOW, fakeRoot } from '@sotto/testkit/x509'

const { bits, boolean, der, explicit, integer, name, nothing, octets, oid, sequence, time } = derWriter
const RUNS = process.env['SLOW'] ? 2000 : 100
const malformed = expect.objectContaining({ code: 'X509_MALFORMED', action: 'fix-input' })
const unsupported = expect.objectContaining({ code: 'X509_UNSUPPORTED', action: 'fix-input' })

const root = fakeRoot({ curve: 'P-384' })
const leaf = root.issue({
  commonName: 'Leaf',
  serialNumber: fromHex('00f0'),
  extendedKeyUsage: ['1.3.6.1.5.5.7.3.9'],
  extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(9) }],
})

const ECDSA = sequence(oid('1.2.840.10045.4.3.2'))
const extension = (id: string, value: Uint8Array, ...critical: Uint8Array[]): Uint8Array =>
  sequence(oid(id), ...critical, octets(value))
const EXTENSIONS = [
  extension('2.5.29.19', sequence(boolean(true), integer(Uint8Array.of(1))), boolean(true)),
  extension('2.5.29.15', derWriter.namedBits(0x60), boolean(true)),
]
const NONE: Uint8Array = new Uint8Array(0)
const PARTS = {
  version: explicit(0, integer(Uint8Array.of(2))),
  serial: integer(Uint8Array.of(1)),
  inner: ECDSA,
  issuer: name('Issuer'),
  validity: sequence(time(FAKE_NOW), time(FAKE_NOW + 1)),
  subject: name('Subject'),
  spki: root.certificate.spki,
  extensions: explicit(3, sequence(...EXTENSIONS)),
  moreFields: NONE,
  outer: ECDSA,
  signature: bits(Uint8Array.of(1)),
  more: NONE,
}
/** A certificate of the given pieces; nobody checks its signature here. */
function assemble(changes: Partial<typeof PARTS> = {}): Uint8Array {
  const part = { ...PARTS, ...changes }
  const tbs = sequence(
    part.version,
    part.serial,
    part.inner,
    part.issuer,
    part.validity,
    part.subject,
    part.spki,
    part.extensions,
    part.moreFields,
  )
  return sequence(tbs, part.outer, part.signature, part.more)
}
const withExtensions = (...list: Uint8Array[]): Uint8Array =>
  assemble({ extensions: explicit(3, sequence(...list)) })
const attribute = (tag: number, content: Uint8Array): Uint8Array =>
  sequence(der(TAG.SET, sequence(oid('2.5.4.3'), der(tag, content))))

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

describe('a malformed certificate is refused', () => {
  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['cut off', assemble().subarray(0, -1)],
    ['followed by a byte', concat(assemble(), Uint8Array.of(0))],
    ['something after the signature', assemble({ more: nothing() })],
    ['something after the extensions', assemble({ moreFields: nothing() })],
    ['a negative serial number', assemble({ serial: der(TAG.INTEGER, Uint8Array.of(0x80)) })],
    ['a serial number of 21 bytes', assemble({ serial: integer(new Uint8Array(21).fill(1)) })],
    ['a serial number that is not minimal', assemble({ serial: der(TAG.INTEGER, Uint8Array.of(0, 1)) })],
    ['another algorithm inside', assemble({ inner: sequence(oid('1.2.840.10045.4.3.3')) })],
    [
      'the same algorithm with NULL inside',
      assemble({ inner: sequence(oid('1.2.840.10045.4.3.2'), nothing()) }),
    ],
    [
      'ECDSA with parameters',
      assemble({
        inner: sequence(oid('1.2.840.10045.4.3.2'), nothing()),
        outer: sequence(oid('1.2.840.10045.4.3.2'), nothing()),
      }),
    ],
    ['no issuer', assemble({ issuer: sequence() })],
    ['an empty set in a name', assemble({ subject: sequence(der(TAG.SET)) })],
    [
      'a name with something after its value',
      assemble({ subject: sequence(der(TAG.SET, sequence(oid('2.5.4.3'), nothing(), nothing()))) }),
    ],
    ['a name that is not UTF-8', assemble({ subject: attribute(TAG.UTF8_STRING, Uint8Array.of(0xff)) })],
    [
      'a PrintableString past ASCII',
      assemble({ subject: attribute(TAG.PRINTABLE_STRING, Uint8Array.of(0xe9)) }),
    ],
    ['one date', assemble({ validity: sequence(time(FAKE_NOW)) })],
    ['three dates', assemble({ validity: sequence(time(FAKE_NOW), time(FAKE_NOW), time(FAKE_NOW)) })],
    [
      'a signature that does not end at a byte',
      assemble({ signature: der(TAG.BIT_STRING, Uint8Array.of(1, 2)) }),
    ],
    ['an empty list of extensions', withExtensions()],
    ['a duplicate extension', withExtensions(...EXTENSIONS, EXTENSIONS[0]!)],
    [
      '65 extensions',
      withExtensions(...Array.from({ length: 65 }, (_, i) => extension(`1.2.3.${i}`, nothing()))),
    ],
    ['critical 01', withExtensions(extension('2.5.29.19', sequence(), der(TAG.BOOLEAN, Uint8Array.of(1))))],
    ['an extension without value', withExtensions(sequence(oid('1.2.3')))],
    [
      'something after the value of an extension',
      withExtensions(sequence(oid('1.2.3'), octets(nothing()), nothing())),
    ],
    ['a path length without CA', withExtensions(extension('2.5.29.19', sequence(integer(Uint8Array.of(0)))))],
    [
      'a negative path length',
      withExtensions(extension('2.5.29.19', sequence(boolean(true), der(TAG.INTEGER, Uint8Array.of(0xff))))),
    ],
    [
      'something after basicConstraints',
      withExtensions(extension('2.5.29.19', concat(sequence(), nothing()))),
    ],
    [
      'something in basicConstraints',
      withExtensions(extension('2.5.29.19', sequence(boolean(true), integer(Uint8Array.of(0)), nothing()))),
    ],
    [
      'CA that is neither true nor false',
      withExtensions(extension('2.5.29.19', sequence(der(TAG.BOOLEAN, Uint8Array.of(1))))),
    ],
    ['keyUsage that is not a BIT STRING', withExtensions(extension('2.5.29.15', nothing()))],
    ['an empty extKeyUsage', withExtensions(extension('2.5.29.37', sequence()))],
    ['a subjectKeyIdentifier of another type', withExtensions(extension('2.5.29.14', nothing()))],
    [
      'a point of the wrong length',
      assemble({
        spki: sequence(
          sequence(oid('1.2.840.10045.2.1'), oid('1.3.132.0.34')),
          bits(new Uint8Array(65).fill(4)),
        ),
      }),
    ],
    [
      'a compressed point',
      assemble({
        spki: sequence(
          sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')),
          bits(new Uint8Array(33).fill(2)),
        ),
      }),
    ],
    [
      'a curve and something more',
      assemble({
        spki: sequence(
          sequence(oid('1.2.840.10045.2.1'), oid('1.3.132.0.34'), nothing()),
          bits(root.key.publicKey),
        ),
      }),
    ],
  ])('%s', (_, input) => {
    expect(() => parseCertificate(input)).toThrow(malformed)
  })

  it('and the pieces of that list are well formed by themselves', () => {
    expect(parseCertificate(assemble())).toMatchObject({
      subjectText: 'CN=Subject',
      basicConstraints: { ca: true, pathLength: 1 },
    })
  })

  it.each<[string, Uint8Array]>([
    ['version 1', assemble({ version: new Uint8Array(0) })],
    ['version 2', assemble({ version: explicit(0, integer(Uint8Array.of(1))) })],
    ['unique identifiers', assemble({ extensions: der(0x81, Uint8Array.of(0, 1)) })],
    [
      'an unknown signature algorithm',
      assemble({ inner: sequence(oid('1.3.101.112')), outer: sequence(oid('1.3.101.112')) }),
    ],
    [
      'SHA-1',
      assemble({
        inner: sequence(oid('1.2.840.113549.1.1.5'), nothing()),
        outer: sequence(oid('1.2.840.113549.1.1.5'), nothing()),
      }),
    ],
    [
      'an unknown kind of key',
      assemble({ spki: sequence(sequence(oid('1.3.101.112')), bits(new Uint8Array(32))) }),
    ],
    [
      'an unknown curve',
      assemble({
        spki: sequence(
          sequence(oid('1.2.840.10045.2.1'), oid('1.3.132.0.10')),
          bits(new Uint8Array(65).fill(4)),
        ),
      }),
    ],
  ])('%s, by its own code', (_, input) => {
    expect(() => parseCertificate(input)).toThrow(unsupported)
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
