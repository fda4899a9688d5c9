import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { TAG } from '@sotto/protocol/der'
import { parseCertificate } from '@sotto/protocol/x509'
import { FAKE_NOW } from '@sotto/testkit/x509'
import {
  assemble,
  attribute,
  bits,
  boolean,
  der,
  explicit,
  extension,
  EXTENSIONS,
  integer,
  malformed,
  nothing,
  octets,
  oid,
  root,
  sequence,
  time,
  withExtensions,
} from './certificate-parts.ts'

const unsupported = expect.objectContaining({ code: 'X509_UNSUPPORTED', action: 'fix-input' })

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
