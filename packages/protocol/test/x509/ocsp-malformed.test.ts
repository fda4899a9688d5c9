import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { TAG } from '@sotto/protocol/der'
import { parseOcspResponse } from '@sotto/protocol/x509'
import { derWriter, FAKE_NOW, fakeRoot } from '@sotto/testkit/x509'

const leaf = fakeRoot({ curve: 'P-384' }).issue()

describe('a malformed OCSP response is refused', () => {
  const { bits, der, explicit, generalizedTime, integer, name, nothing, octets, oid, sequence } = derWriter
  const ECDSA = sequence(oid('1.2.840.10045.4.3.2'))
  const one = Uint8Array.of(1)
  const NONE: Uint8Array = new Uint8Array(0)
  const id = sequence(
    sequence(oid('2.16.840.1.101.3.4.2.1'), nothing()),
    octets(one),
    octets(one),
    integer(one),
  )
  const single = (status: Uint8Array, ...more: Uint8Array[]): Uint8Array =>
    sequence(id, status, generalizedTime(FAKE_NOW), ...more)
  const good = der(0x80)
  const PARTS = {
    status: der(0x0a, Uint8Array.of(0)),
    type: oid('1.3.6.1.5.5.7.48.1.1'),
    version: NONE,
    responder: explicit(1, name('R')),
    producedAt: generalizedTime(FAKE_NOW),
    single: single(good),
    moreFields: NONE,
    certificates: NONE,
    more: NONE,
  }
  function assemble(changes: Partial<typeof PARTS> = {}): Uint8Array {
    const part = { ...PARTS, ...changes }
    const tbs = sequence(
      part.version,
      part.responder,
      part.producedAt,
      sequence(part.single),
      part.moreFields,
    )
    const basic = sequence(tbs, ECDSA, bits(one), part.certificates)
    return sequence(part.status, explicit(0, sequence(part.type, octets(basic))), part.more)
  }

  it('though its pieces are well formed by themselves', () => {
    expect(parseOcspResponse(assemble()).responses).toMatchObject([
      { status: 'good', hash: 'sha256', nextUpdate: undefined },
    ])
  })

  it.each<[string, Uint8Array]>([
    ['nothing', NONE],
    ['cut off', assemble().subarray(0, -1)],
    ['followed by a byte', concat(assemble(), one)],
    ['a status of another type', assemble({ status: integer(NONE) })],
    ['something after the response', assemble({ more: nothing() })],
    ['something after the responses', assemble({ moreFields: nothing() })],
    ['a responder of neither kind', assemble({ responder: explicit(3, name('R')) })],
    [
      'a name of the responder and something more',
      assemble({ responder: explicit(1, name('R'), nothing()) }),
    ],
    ['a UTCTime', assemble({ producedAt: derWriter.time(FAKE_NOW) })],
    ['a status that is not defined', assemble({ single: single(der(0x83)) })],
    ['good with content', assemble({ single: single(der(0x80, one)) })],
    ['unknown with content', assemble({ single: single(der(0x82, one)) })],
    ['revoked without date', assemble({ single: single(explicit(1)) })],
    [
      'revoked with something more',
      assemble({
        single: single(explicit(1, generalizedTime(FAKE_NOW), explicit(0, der(0x0a, one)), nothing())),
      }),
    ],
    [
      'a reason that is not defined',
      assemble({
        single: single(explicit(1, generalizedTime(FAKE_NOW), explicit(0, der(0x0a, Uint8Array.of(7))))),
      }),
    ],
    ['something after an answer', assemble({ single: single(good, nothing()) })],
    [
      'an end with something more',
      assemble({ single: single(good, explicit(0, generalizedTime(FAKE_NOW), nothing())) }),
    ],
    ['17 answers', assemble({ single: concat(...Array.from({ length: 17 }, () => single(good))) })],
    [
      '9 certificates',
      assemble({ certificates: explicit(0, sequence(...Array.from({ length: 9 }, () => leaf.der))) }),
    ],
    ['a certificate that is none', assemble({ certificates: explicit(0, sequence(sequence())) })],
    [
      'something after the certificates',
      assemble({ certificates: concat(explicit(0, sequence(leaf.der)), nothing()) }),
    ],
    ['extensions that are an empty list', assemble({ moreFields: explicit(1, sequence()) })],
    [
      'a negative serial number',
      assemble({
        single: sequence(
          sequence(
            sequence(oid('2.16.840.1.101.3.4.2.1')),
            octets(one),
            octets(one),
            der(TAG.INTEGER, Uint8Array.of(0x80)),
          ),
          good,
          generalizedTime(FAKE_NOW),
        ),
      }),
    ],
  ])('%s', (_, input) => {
    expect(() => parseOcspResponse(input)).toThrow(expect.objectContaining({ code: 'X509_MALFORMED' }))
  })

  it.each<[string, Uint8Array]>([
    ['another type of response', assemble({ type: oid('1.3.6.1.5.5.7.48.1.7') })],
    ['another version', assemble({ version: explicit(0, integer(one)) })],
    [
      'an unknown hash',
      assemble({
        single: sequence(
          sequence(sequence(oid('1.2.840.113549.2.5')), octets(one), octets(one), integer(one)),
          good,
          generalizedTime(FAKE_NOW),
        ),
      }),
    ],
  ])('%s, by its own code', (_, input) => {
    expect(() => parseOcspResponse(input)).toThrow(expect.objectContaining({ code: 'X509_UNSUPPORTED' }))
  })
})
