import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { hasCode, SottoError } from '@sotto/protocol/errors'
import { KEY_USAGE, type OcspStatus, parseOcspResponse, verifyOcspResponse } from '@sotto/protocol/x509'
import {
  derWriter,
  FAKE_NOW,
  type FakeCertificateOptions,
  type FakeIdentity,
  fakeKey,
  fakeRoot,
  type OcspOptions,
} from '@sotto/testkit/x509'
import { sha1 } from '../../src/x509/sha1.ts'

const RUNS = process.env['SLOW'] ? 2000 : 100
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
const issuer = fakeRoot({ curve: 'P-384' })
const leaf = issuer.issue()
const nonce = utf8('thirty-two bytes that were sent.')

/** A responder that the issuer authorised, unless the options say otherwise. */
const delegate = (options: FakeCertificateOptions = {}, by: FakeIdentity = issuer): FakeIdentity =>
  by.issue({ commonName: 'Responder', extendedKeyUsage: [OCSP_SIGNING], ...options })
const responder = delegate()

/** id-pkix-ocsp-nocheck, and what says where the responder's certificate can be checked. */
const NO_CHECK = { oid: '1.3.6.1.5.5.7.48.1.5', value: derWriter.nothing() }
const OCSP = '1.3.6.1.5.5.7.48.1'
const crlPoints = { oid: '2.5.29.31', value: derWriter.sequence(derWriter.sequence()) }
const access = (...methods: string[]): { oid: string; value: Uint8Array } => ({
  oid: '1.3.6.1.5.5.7.1.1',
  value: derWriter.sequence(
    ...methods.map((method) =>
      derWriter.sequence(derWriter.oid(method), derWriter.der(0x86, utf8('http://a'))),
    ),
  ),
})

interface Question {
  about?: FakeIdentity
  by?: FakeIdentity
  at?: number
  nonce?: Uint8Array
}
const ask = (response: Uint8Array, question: Question = {}): OcspStatus =>
  verifyOcspResponse(parseOcspResponse(response), {
    certificate: (question.about ?? leaf).certificate,
    issuer: (question.by ?? issuer).certificate,
    at: question.at ?? FAKE_NOW,
    ...(question.nonce && { nonce: question.nonce }),
  })
const answer = (options: OcspOptions = {}): Uint8Array => issuer.ocsp(leaf.certificate, options)

function refusal(run: () => unknown, code: string): string {
  try {
    run()
  } catch (error) {
    if (hasCode(error, code)) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('an OCSP response', () => {
  it('tells the status of a certificate', () => {
    const dates = { thisUpdate: FAKE_NOW - 3600, nextUpdate: FAKE_NOW + 86_400 }
    expect(ask(answer())).toEqual({ status: 'good', revokedAt: undefined, reason: undefined, ...dates })
    expect(ask(answer({ status: 'unknown' }))).toMatchObject({ status: 'unknown' })
    expect(ask(answer({ status: 'revoked', reason: 6 }))).toEqual({
      status: 'revoked',
      revokedAt: FAKE_NOW - 3600,
      reason: 6,
      ...dates,
    })
    expect(ask(answer({ status: 'revoked' }))).toMatchObject({ status: 'revoked', reason: undefined })
  })

  it('may be signed by a responder whom the issuer authorised', () => {
    expect(ask(answer({ responder })).status).toBe('good')
    expect(ask(answer({ responder: delegate({ keyUsage: null }) })).status).toBe('good')
    // The responder's key can be of another kind than the issuer's.
    expect(ask(answer({ responder: delegate({ curve: 'P-256' }) })).status).toBe('good')
  })

  it('may be signed by a responder that is trusted for its lifetime, or of which nobody says how to check it', () => {
    for (const extensions of [
      [NO_CHECK],
      [{ ...NO_CHECK, critical: true }],
      [NO_CHECK, crlPoints, access(OCSP)],
    ])
      expect(ask(answer({ responder: delegate({ extensions }) })).status).toBe('good')
    const caIssuers = access('1.3.6.1.5.5.7.48.2')
    expect(ask(answer({ responder: delegate({ extensions: [caIssuers] }) })).status).toBe('good')
  })

  it('may name its responder by the SHA-1 of its key', () => {
    expect(ask(answer({ responder, responderKeyHash: sha1(responder.key.publicKey) })).status).toBe('good')
    expect(ask(answer({ responderKeyHash: sha1(issuer.key.publicKey) })).status).toBe('good')
  })

  it('may bring the certificate of the issuer along', () => {
    expect(ask(answer({ certificates: [issuer.der] })).status).toBe('good')
    expect(ask(answer({ responder, certificates: [issuer.der, responder.der] })).status).toBe('good')
  })

  it('may name the certificate with any hash of these', () => {
    const hashes = [
      { oid: '1.3.14.3.2.26', digest: sha1 },
      { oid: '2.16.840.1.101.3.4.2.2', digest: (bytes: Uint8Array) => crypto.sha384(bytes) },
      { oid: '2.16.840.1.101.3.4.2.3', digest: (bytes: Uint8Array) => crypto.sha512(bytes) },
    ]
    for (const hash of hashes) expect(ask(answer({ hash })).status).toBe('good')
  })

  it('repeats the nonce', () => {
    expect(ask(answer({ nonce }), { nonce }).status).toBe('good')
    expect(ask(answer({ nonce })).status).toBe('good')
  })
})

describe('an OCSP response is refused', () => {
  const unknown = { oid: '1.2.3', critical: true, value: Uint8Array.of(5, 0) }
  const stranger = fakeRoot({ commonName: 'Stranger' })
  const unsigned = 'OCSP response is not signed by its responder'
  const notOne = 'OCSP response does not have one answer about the certificate'
  it.each<[string, OcspOptions, string]>([
    ['signed by another key', { signWith: fakeKey('P-384') }, unsigned],
    ['signed on another curve', { signWith: fakeKey('P-256') }, unsigned],
    ['whose responder did not sign it', { responder, signWith: issuer.key }, unsigned],
    ['whose issuer did not sign it', { signWith: responder.key, certificates: [responder.der] }, unsigned],
    [
      'without the certificate of its responder',
      { responder, certificates: [] },
      'certificate of the OCSP responder is missing',
    ],
    [
      'with the certificate of another one',
      { responder, certificates: [leaf.der] },
      'certificate of the OCSP responder is missing',
    ],
    [
      'with another key hash',
      { responder, responderKeyHash: new Uint8Array(20) },
      'certificate of the OCSP responder is missing',
    ],
    [
      'by a certificate for something else',
      { responder: delegate({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }) },
      'responder may not sign OCSP responses',
    ],
    [
      'by a certificate for anything',
      { responder: delegate({ extendedKeyUsage: ['2.5.29.37.0'] }) },
      'responder may not sign OCSP responses',
    ],
    [
      'by a certificate without purpose',
      { responder: issuer.issue({ commonName: 'R' }) },
      'responder may not sign OCSP responses',
    ],
    ['by the certificate in question', { responder: leaf }, 'responder may not sign OCSP responses'],
    [
      'by a certificate that may not sign',
      { responder: delegate({ keyUsage: KEY_USAGE.keyCertSign }) },
      'responder may not sign',
    ],
    [
      'by a responder of somebody else',
      { responder: delegate({}, stranger) },
      'responder was not authorised by the issuer',
    ],
    [
      'by a responder that only names the issuer',
      { responder: delegate({ issuerName: issuer.commonName }, stranger) },
      'responder was not authorised by the issuer',
    ],
    [
      'by a responder further down',
      { responder: delegate({}, issuer.issue({ commonName: 'Below', ca: true })) },
      'responder was not authorised by the issuer',
    ],
    [
      'by a responder whose certificate must be looked up in a CRL',
      { responder: delegate({ extensions: [crlPoints] }) },
      'responder itself may be revoked',
    ],
    [
      'by a responder about which another one must be asked',
      { responder: delegate({ extensions: [access('1.3.6.1.5.5.7.48.2', OCSP)] }) },
      'responder itself may be revoked',
    ],
    ['about another serial number', { serialNumber: Uint8Array.of(1) }, notOne],
    ['about another issuer', { aboutIssuer: stranger }, notOne],
    ['about another key of that issuer', { aboutIssuer: fakeRoot({ curve: 'P-384' }) }, notOne],
    ['about another name of that key', { aboutIssuer: { commonName: 'Other', key: issuer.key } }, notOne],
    ['about nothing', { copies: 0 }, notOne],
    ['that says it twice', { copies: 2 }, notOne],
    [
      'with an unknown critical extension',
      { extensions: [unknown] },
      'OCSP response has an unknown critical extension',
    ],
    [
      'with an unknown critical extension of the answer',
      { singleExtensions: [unknown] },
      'OCSP response has an unknown critical extension',
    ],
    ['without an end', { nextUpdate: null }, 'OCSP response does not say when it ends'],
    ['that is no answer', { responseStatus: 3 }, 'OCSP responder has no answer'],
  ])('%s', (_, options, message) => {
    expect(refusal(() => ask(answer(options)), 'X509_OCSP')).toBe(message)
  })

  it('when the question names another issuer', () => {
    expect(refusal(() => ask(answer(), { by: stranger }), 'X509_OCSP')).toBe('certificate has another issuer')
    const twin = fakeRoot({ curve: 'P-384' })
    expect(refusal(() => ask(answer(), { by: twin }), 'X509_OCSP')).toBe(unsigned)
  })

  it('when it is about another certificate', () => {
    expect(refusal(() => ask(answer(), { about: issuer.issue() }), 'X509_OCSP')).toBe(notOne)
  })

  it('without the nonce, or with another', () => {
    expect(refusal(() => ask(answer(), { nonce }), 'X509_OCSP')).toBe('OCSP response has no nonce')
    expect(refusal(() => ask(answer({ nonce: utf8('another') }), { nonce }), 'X509_OCSP')).toBe(
      'OCSP response has another nonce',
    )
    const bare = { oid: '1.3.6.1.5.5.7.48.1.2', value: nonce }
    expect(refusal(() => ask(answer({ extensions: [bare] }), { nonce }), 'X509_MALFORMED')).toMatch(/DER/)
  })

  it('outside its dates, after everything else', () => {
    const past = { thisUpdate: FAKE_NOW - 20, nextUpdate: FAKE_NOW - 1 }
    expect(refusal(() => ask(answer(past)), 'X509_EXPIRED')).toBe('OCSP response has expired')
    expect(refusal(() => ask(answer({ thisUpdate: FAKE_NOW + 1 })), 'X509_EXPIRED')).toBe(
      'OCSP response is not valid yet',
    )
    expect(refusal(() => ask(answer({ producedAt: FAKE_NOW + 1 })), 'X509_EXPIRED')).toBe(
      'OCSP response is not valid yet',
    )
    expect(refusal(() => ask(answer({ ...past, signWith: fakeKey('P-384') })), 'X509_OCSP')).toBe(unsigned)
    expect(refusal(() => ask(answer(), { at: Number.NaN }), 'X509_EXPIRED')).toBe('OCSP response has expired')
  })

  it('by a responder whose certificate has expired or has an unknown critical extension', () => {
    const expired = delegate({ notAfter: FAKE_NOW - 1 })
    expect(refusal(() => ask(answer({ responder: expired })), 'X509_EXPIRED')).toBe('certificate has expired')
    const checked = delegate({ extensions: [{ ...NO_CHECK, value: derWriter.integer(Uint8Array.of(1)) }] })
    expect(refusal(() => ask(answer({ responder: checked })), 'X509_OCSP')).toMatch(/may be revoked/)
    const odd = delegate({ extensions: [unknown] })
    expect(refusal(() => ask(answer({ responder: odd })), 'X509_CRITICAL')).toMatch(/unknown critical/)
  })

  it('by a responder of an authority that is limited to other purposes', () => {
    const limited = fakeRoot({
      curve: 'P-384',
      extensions: [
        { oid: '2.5.29.37', critical: true, value: derWriter.sequence(derWriter.oid('1.3.6.1.5.5.7.3.8')) },
      ],
    })
    const about = limited.issue()
    const response = limited.ocsp(about.certificate, { responder: delegate({}, limited) })
    expect(refusal(() => ask(response, { about, by: limited }), 'X509_CHAIN')).toMatch(/other purposes/)
  })

  it('when any bit is flipped that is signed or names who signed', () => {
    const genuine = answer({ responder, nonce })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: genuine.length * 8 - 1 }), (bit) => {
        const copy = genuine.slice()
        copy[bit >> 3]! ^= 1 << (bit & 7)
        let thrown: unknown
        try {
          ask(copy, { nonce })
        } catch (error) {
          thrown = error
        }
        expect(thrown).toBeInstanceOf(SottoError)
      }),
      { numRuns: RUNS },
    )
  })
})
