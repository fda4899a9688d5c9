import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, toHex } from '@sotto/protocol/bytes'
import { TAG } from '@sotto/protocol/der'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import { findRevocation, KEY_USAGE, parseCrl, verifyCrl } from '@sotto/protocol/x509'
import { type CrlOptions, derWriter, FAKE_NOW, fakeKey, fakeRoot } from '@sotto/testkit/x509'

const { bits, der, explicit, integer, name, nothing, octets, oid, sequence, time } = derWriter
const RUNS = process.env['SLOW'] ? 2000 : 100
const malformed = expect.objectContaining({ code: 'X509_MALFORMED', action: 'fix-input' })
const refused = expect.objectContaining({ code: 'X509_CRL', action: 'stop' })

const root = fakeRoot()
const leaf = root.issue()
const other = root.issue({ commonName: 'Other' })
const { serialNumber } = leaf.certificate

function refusal(run: () => unknown, code: string): string {
  try {
    run()
  } catch (error) {
    if (hasCode(error, code)) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}
const verify = (options: CrlOptions, issuer = root.certificate): void =>
  verifyCrl(parseCrl(root.crl(options)), issuer, FAKE_NOW)

const ECDSA = sequence(oid('1.2.840.10045.4.3.2'))
const entry = (serial: Uint8Array, ...extensions: Uint8Array[]): Uint8Array =>
  sequence(integer(serial), time(FAKE_NOW), ...extensions)
const extension = (id: string, value: Uint8Array): Uint8Array => sequence(oid(id), octets(value))
const one = Uint8Array.of(1)
const NONE: Uint8Array = new Uint8Array(0)
const PARTS = {
  version: integer(one),
  inner: ECDSA,
  issuer: name('Issuer'),
  dates: concat(time(FAKE_NOW), time(FAKE_NOW + 1)),
  entries: sequence(entry(one)),
  extensions: explicit(0, sequence(extension('2.5.29.20', integer(one)))),
  moreFields: NONE,
  more: NONE,
}
function assemble(changes: Partial<typeof PARTS> = {}): Uint8Array {
  const part = { ...PARTS, ...changes }
  const fields = [
    part.version,
    part.inner,
    part.issuer,
    part.dates,
    part.entries,
    part.extensions,
    part.moreFields,
  ]
  return sequence(sequence(...fields), ECDSA, bits(one), part.more)
}

describe('a CRL', () => {
  it('lists serial numbers with dates and reasons', () => {
    const crl = parseCrl(
      root.crl({
        revoked: [{ serialNumber, at: FAKE_NOW - 7, reason: 1 }, { serialNumber: NONE }],
        thisUpdate: FAKE_NOW - 5,
      }),
    )
    expect(crl).toMatchObject({
      issuerText: 'CN=Fake Root',
      thisUpdate: FAKE_NOW - 5,
      nextUpdate: FAKE_NOW + 86_400,
      crlNumber: '01',
    })
    expect([...crl.revoked]).toEqual([
      [toHex(serialNumber), { at: FAKE_NOW - 7, reason: 1 }],
      ['', { at: FAKE_NOW - 5, reason: undefined }],
    ])
    verifyCrl(crl, root.certificate, FAKE_NOW)
    expect(findRevocation(crl, leaf.certificate)).toEqual({ at: FAKE_NOW - 7, reason: 1 })
    expect(findRevocation(crl, other.certificate)).toBeUndefined()
  })

  it('may be empty', () => {
    const crl = parseCrl(root.crl())
    verifyCrl(crl, root.certificate, FAKE_NOW)
    expect(crl.revoked.size).toBe(0)
    expect(findRevocation(crl, leaf.certificate)).toBeUndefined()
  })

  it('says nothing about certificates of another issuer', () => {
    const elsewhere = fakeRoot({ commonName: 'Elsewhere' }).issue({ serialNumber })
    const crl = parseCrl(root.crl({ revoked: [{ serialNumber }] }))
    expect(() => findRevocation(crl, elsewhere.certificate)).toThrow(refused)
  })
})

describe('a CRL is refused', () => {
  const mark = { critical: true, value: Uint8Array.of(0x30, 0) }
  it.each<[string, CrlOptions, string]>([
    ['of another issuer', { issuerName: 'Somebody' }, 'CRL names another issuer'],
    ['signed by another key', { signWith: fakeKey() }, 'CRL is not signed by its issuer'],
    ['signed on another curve', { signWith: fakeKey('P-384') }, 'CRL is not signed by its issuer'],
    [
      'for some certificates only',
      { extensions: [{ oid: '2.5.29.28', ...mark }] },
      'CRL has an unknown critical extension',
    ],
    [
      'that is a delta',
      { extensions: [{ oid: '2.5.29.27', ...mark }] },
      'CRL has an unknown critical extension',
    ],
    [
      'that is a delta and does not say so critically',
      { extensions: [{ oid: '2.5.29.27', value: mark.value }] },
      'CRL has an unknown critical extension',
    ],
    [
      'with an unknown critical extension',
      { extensions: [{ oid: '1.2.3', ...mark }] },
      'CRL has an unknown critical extension',
    ],
    ['without an end', { nextUpdate: null }, 'CRL does not say when it ends'],
  ])('%s', (_, options, message) => {
    expect(refusal(() => verify(options), 'X509_CRL')).toBe(message)
  })

  it('when its issuer may not sign one', () => {
    const bare = fakeRoot({ keyUsage: KEY_USAGE.keyCertSign })
    const crl = parseCrl(bare.crl())
    expect(refusal(() => verifyCrl(crl, bare.certificate, FAKE_NOW), 'X509_CRL')).toBe(
      'issuer may not sign CRLs',
    )
    const silent = fakeRoot({ keyUsage: null })
    expect(() => verifyCrl(parseCrl(silent.crl()), silent.certificate, FAKE_NOW)).toThrow(refused)
  })

  it('when its issuer has the right name and another key', () => {
    expect(refusal(() => verify({}, fakeRoot().certificate), 'X509_CRL')).toBe(
      'CRL is not signed by its issuer',
    )
  })

  it('outside its dates, after everything else', () => {
    const past = { thisUpdate: FAKE_NOW - 20, nextUpdate: FAKE_NOW - 1 }
    expect(refusal(() => verify(past), 'X509_EXPIRED')).toBe('CRL has expired')
    expect(refusal(() => verify({ thisUpdate: FAKE_NOW + 1 }), 'X509_EXPIRED')).toBe('CRL is not valid yet')
    expect(refusal(() => verify({ ...past, signWith: fakeKey() }), 'X509_CRL')).toBe(
      'CRL is not signed by its issuer',
    )
    const crl = parseCrl(root.crl())
    expect(() => verifyCrl(crl, root.certificate, Number.NaN)).toThrow(
      expect.objectContaining({ code: 'X509_EXPIRED' }),
    )
  })

  it.each<[string, CrlOptions]>([
    ['removes something', { revoked: [{ serialNumber, reason: 8 }] }],
    ['is about another issuer', { revoked: [{ serialNumber, extensions: [{ oid: '2.5.29.29', ...mark }] }] }],
    [
      'has an unknown critical extension',
      { revoked: [{ serialNumber, extensions: [{ oid: '1.2.3', ...mark }] }] },
    ],
  ])('with an entry that %s', (_, options) => {
    expect(() => parseCrl(root.crl(options))).toThrow(refused)
  })

  it('but an entry may have an extension that is not critical', () => {
    const extensions = [{ oid: '2.5.29.24', value: derWriter.generalizedTime(FAKE_NOW) }]
    expect(parseCrl(root.crl({ revoked: [{ serialNumber, extensions }] })).revoked.size).toBe(1)
  })
})

describe('a malformed CRL is refused', () => {
  it('though its pieces are well formed by themselves', () => {
    expect(parseCrl(assemble()).revoked.get('01')).toEqual({ at: FAKE_NOW, reason: undefined })
    expect(parseCrl(assemble({ entries: NONE, extensions: NONE })).crlNumber).toBeUndefined()
  })

  const reason = (...content: Uint8Array[]): Uint8Array =>
    sequence(extension('2.5.29.21', concat(...content)))
  it.each<[string, Uint8Array]>([
    ['nothing', NONE],
    ['cut off', assemble().subarray(0, -1)],
    ['followed by a byte', concat(assemble(), Uint8Array.of(0))],
    ['something after the signature', assemble({ more: nothing() })],
    ['something after the extensions', assemble({ moreFields: nothing() })],
    ['another algorithm inside', assemble({ inner: sequence(oid('1.2.840.10045.4.3.3')) })],
    ['no date', assemble({ dates: NONE })],
    ['three dates', assemble({ dates: concat(time(FAKE_NOW), time(FAKE_NOW), time(FAKE_NOW)) })],
    ['a serial number twice', assemble({ entries: sequence(entry(one), entry(one)) })],
    [
      'a negative serial number',
      assemble({ entries: sequence(sequence(der(TAG.INTEGER, Uint8Array.of(0x80)), time(FAKE_NOW))) }),
    ],
    ['an entry without date', assemble({ entries: sequence(sequence(integer(one))) })],
    [
      'an entry with something more',
      assemble({ entries: sequence(entry(one, reason(der(0x0a, one)), nothing())) }),
    ],
    ['an entry with an empty list of extensions', assemble({ entries: sequence(entry(one, sequence())) })],
    [
      'a reason that is not defined',
      assemble({ entries: sequence(entry(one, reason(der(0x0a, Uint8Array.of(7))))) }),
    ],
    [
      'a reason past the last',
      assemble({ entries: sequence(entry(one, reason(der(0x0a, Uint8Array.of(11))))) }),
    ],
    ['a reason of another type', assemble({ entries: sequence(entry(one, reason(integer(one)))) })],
    [
      'a reason and something more',
      assemble({ entries: sequence(entry(one, reason(der(0x0a, one), nothing()))) }),
    ],
    [
      'a number that is negative',
      assemble({
        extensions: explicit(0, sequence(extension('2.5.29.20', der(TAG.INTEGER, Uint8Array.of(0xff))))),
      }),
    ],
    ['an empty list of extensions', assemble({ extensions: explicit(0, sequence()) })],
    ['five megabytes', new Uint8Array(5_000_000)],
  ])('%s', (_, input) => {
    expect(() => parseCrl(input)).toThrow(malformed)
  })

  it('past 100 000 entries', () => {
    const pages = Array.from({ length: 1000 }, (_, page) =>
      concat(...Array.from({ length: 100 }, (__, i) => entry(Uint8Array.of(1, page >> 8, page & 0xff, i)))),
    )
    expect(parseCrl(assemble({ entries: sequence(...pages) })).revoked.size).toBe(100_000)
    const tooMany = assemble({ entries: sequence(...pages, entry(one)) })
    expect(refusal(() => parseCrl(tooMany), 'X509_MALFORMED')).toBe('CRL has too many entries')
  })

  it.each<[string, Uint8Array]>([
    ['version 1', assemble({ version: NONE })],
    ['version 3', assemble({ version: integer(Uint8Array.of(2)) })],
  ])('%s, by its own code', (_, input) => {
    expect(() => parseCrl(input)).toThrow(expect.objectContaining({ code: 'X509_UNSUPPORTED' }))
  })

  it('and any flipped bit is noticed', () => {
    const genuine = root.crl({ revoked: [{ serialNumber, reason: 1 }] })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: genuine.length * 8 - 1 }), (bit) => {
        const copy = genuine.slice()
        copy[bit >> 3]! ^= 1 << (bit & 7)
        let thrown: unknown
        try {
          verifyCrl(parseCrl(copy), root.certificate, FAKE_NOW)
        } catch (error) {
          thrown = error
        }
        expect(thrown).toBeInstanceOf(SottoError)
      }),
      { numRuns: RUNS },
    )
  })
})
