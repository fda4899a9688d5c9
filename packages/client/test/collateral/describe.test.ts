import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { fakeIntel, fakeNvidia } from '@sotto/testkit/vendor-services'
import { FAKE_NOW, fakePem, fakeRoot } from '@sotto/testkit/x509'
import { describePiece } from '../../src/collateral/index.ts'

const root = fakeRoot({ commonName: 'Root' })
const leaf = root.issue({ commonName: 'Leaf', serialNumber: Uint8Array.of(0xab), notAfter: FAKE_NOW + 60 })
const intel = fakeIntel()
const body = (answer: { body: unknown }): Uint8Array => answer.body as Uint8Array

describe('a piece is described by its content', () => {
  it.each<[string, Uint8Array, string, number | null]>([
    ['a certificate', leaf.der, 'certificate CN=Leaf', FAKE_NOW + 60],
    ['a chain', utf8(leaf.pem + root.pem), 'certificates Leaf < Root', FAKE_NOW + 60],
    [
      'a CRL',
      root.crl({ revoked: [{ serialNumber: Uint8Array.of(1) }] }),
      'CRL of CN=Root, 1 revoked',
      FAKE_NOW + 86_400,
    ],
    ['a CRL in PEM', utf8(fakePem('X509 CRL', root.crl())), 'CRL of CN=Root, 0 revoked', FAKE_NOW + 86_400],
    ['a CRL without end', root.crl({ nextUpdate: null }), 'CRL of CN=Root, 0 revoked', null],
    [
      'an OCSP response',
      root.ocsp(leaf.certificate, { status: 'revoked' }),
      'OCSP status of ab: revoked',
      FAKE_NOW + 86_400,
    ],
    [
      'TCB information',
      body(intel.tcbInfo('tdx', 'b0c06f000000')),
      'TCB information TDX B0C06F000000, evaluation 17',
      FAKE_NOW + 29 * 86_400,
    ],
    [
      'an enclave identity',
      body(intel.qeIdentity('sgx')),
      'enclave identity QE, evaluation 17',
      FAKE_NOW + 29 * 86_400,
    ],
    ['reference measurements', fakeNvidia().rim(), 'reference measurements GH100 550.90.07', null],
    ['keys', utf8('{"keys":[{},{}]}'), '2 keys of an attestation service', null],
    ['anything else', utf8('hello'), 'unknown', null],
    ['nothing', new Uint8Array(0), 'unknown', null],
    ['other JSON', utf8('{"a":1}'), 'unknown', null],
    [
      'a date that is none',
      utf8('{"tcbInfo":{"id":"TDX","nextUpdate":"never"}}'),
      'TCB information TDX, evaluation undefined',
      null,
    ],
  ])('%s', (_what, bytes, what, validUntil) => expect(describePiece(bytes)).toEqual({ what, validUntil }))

  it('whatever it is', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        (bytes) => void expect(typeof describePiece(bytes).what).toBe('string'),
      ),
    )
  })
})
