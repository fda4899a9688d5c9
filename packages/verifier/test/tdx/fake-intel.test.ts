import { describe, expect, it } from 'vitest'
import { bundleBytes } from '@sotto/testkit/dcap'
import type { FakeCollateralOptions } from '@sotto/testkit/dcap'
import { FAKE_NOW, fakeKey } from '@sotto/testkit/x509'
import { verifyTdx } from '@sotto/verifier/tdx'
import { attributes, failed, intel, judge, type Case } from './fake-case.ts'

describe('a TD quote of a platform that is up to date', () => {
  it.each([{}, { quote: { version: 5 } }, { quote: { version: 5, bodyType: 3 } }])(
    'is accepted: %o',
    (wanted) => {
      expect(judge(wanted)).toMatchObject({
        family: 'tdx',
        authentic: true,
        acceptable: true,
        reason: null,
        fields: {
          tee: 'TDX',
          signature_chain: 'valid',
          tcb_status: 'UpToDate',
          pck_issuer: 'Intel SGX PCK Platform CA',
        },
      })
    },
  )

  it('is accepted with padding behind it, and is not authentic with anything else', () => {
    expect(failed({ quote: { trailing: new Uint8Array(3065) } })).toEqual([])
    for (const trailing of [new Uint8Array(3065).fill(1, 3064), Uint8Array.of(0x41)]) {
      expect(failed({ quote: { trailing } })).toEqual(['tdx.trailing malformed'])
      expect(judge({ quote: { trailing } })).toMatchObject({
        authentic: false,
        acceptable: false,
        reason: 'malformed',
      })
    }
  })

  it('is not of Intel', () => {
    const evidence = intel.tdQuote()
    const verdict = verifyTdx({ evidence, collateral: bundleBytes(intel.bundle('tdx')), at: FAKE_NOW })
    expect(verdict).toMatchObject({ authentic: false, acceptable: false, reason: 'chain' })
    expect(verdict.fields['signature_chain']).toBe('invalid')
  })

  it('is no quote of an enclave, and the other way round', () => {
    const evidence = intel.sgxQuote({}, { version: 4 })
    expect(verifyTdx({ evidence, collateral: {}, at: FAKE_NOW }, { roots: intel.roots }).reason).toBe(
      'malformed',
    )
  })
})

describe('the binding of a TD quote', () => {
  const REPORTDATA = new Uint8Array(64).fill(7)
  it('is compared when an expectation is given', () => {
    expect(failed({ fields: { REPORTDATA }, expectedReportData: REPORTDATA })).toEqual([])
    expect(failed({ expectedReportData: REPORTDATA })).toEqual(['tdx.binding binding'])
    for (const expectedReportData of [new Uint8Array(0), REPORTDATA.subarray(1), new Uint8Array(65)])
      expect(failed({ fields: { REPORTDATA }, expectedReportData })).toEqual(['tdx.binding binding'])
  })
})

describe('a TD quote is refused', () => {
  it.each<[string, Case, string[]]>([
    ['signed by another key', { quote: { signWith: fakeKey() } }, ['tdx.signature signature']],
    [
      'of an attestation key that nobody vouches for',
      { quote: { qe: { REPORTDATA: new Uint8Array(64) } } },
      ['tdx.attestation-key signature'],
    ],
    [
      'whose quoting enclave another platform signed',
      { quote: { signQeWith: fakeKey() } },
      ['tdx.qe-report signature'],
    ],
    [
      'with attestation key type 3',
      { quote: { attestationKeyType: 3 } },
      ['tdx.header algorithm', 'tdx.collateral-complete collateral-missing'].slice(0, 1),
    ],
    ['of another vendor', { quote: { qeVendorId: new Uint8Array(16) } }, ['tdx.qe-vendor issuer']],
    [
      'by another enclave: MRSIGNER',
      { quote: { qe: { MRSIGNER: new Uint8Array(32) } } },
      ['tdx.quoting-enclave chain'],
    ],
    ['by another enclave: ISVPRODID', { quote: { qe: { ISVPRODID: 1 } } }, ['tdx.quoting-enclave chain']],
    [
      'by another enclave: MISCSELECT',
      { quote: { qe: { MISCSELECT: Uint8Array.of(1, 0, 0, 0) } } },
      ['tdx.quoting-enclave chain'],
    ],
    [
      'by another enclave: DEBUG',
      { quote: { qe: { ATTRIBUTES: Uint8Array.of(0x13, 0, 0, 0, 0, 0, 0, 0, 7) } } },
      ['tdx.quoting-enclave chain'],
    ],
    ['of debug mode', { fields: { TDATTRIBUTES: attributes(0, 28) } }, ['tdx.debug debug']],
    ['of a profiled TD', { fields: { TDATTRIBUTES: attributes(4, 28) } }, ['tdx.debug debug']],
    ['without SEPT_VE_DISABLE', { fields: { TDATTRIBUTES: attributes() } }, ['tdx.attributes guest-policy']],
    [
      'of a TD that can be migrated',
      { fields: { TDATTRIBUTES: attributes(28, 29) } },
      ['tdx.attributes guest-policy'],
    ],
    ['with Key Locker', { fields: { TDATTRIBUTES: attributes(28, 31) } }, ['tdx.attributes guest-policy']],
    [
      'with performance counters',
      { fields: { TDATTRIBUTES: attributes(28, 63) } },
      ['tdx.attributes guest-policy'],
    ],
    [
      'with reserved attributes',
      { fields: { TDATTRIBUTES: attributes(28, 40) } },
      ['tdx.attributes guest-policy'],
    ],
    ['without SSE', { fields: { XFAM: attributes(0) } }, ['tdx.attributes guest-policy']],
    ['with an unknown feature', { fields: { XFAM: attributes(0, 1, 10) } }, ['tdx.attributes guest-policy']],
    [
      'with a service TD',
      { quote: { version: 5 }, fields: { MRSERVICETD: new Uint8Array(48).fill(1) } },
      ['tdx.attributes guest-policy'],
    ],
    [
      'of a module by somebody else',
      { fields: { MRSIGNERSEAM: new Uint8Array(48).fill(1) } },
      ['tdx.tcb tcb', 'tdx.tcb-status tcb'],
    ],
    [
      'before its collateral is valid',
      { at: FAKE_NOW - 7200 },
      ['tdx.tcb-info expired', 'tdx.qe-identity expired', 'tdx.root-ca-crl expired', 'tdx.pck-crl expired'],
    ],
    [
      'after the CRLs have ended',
      { at: FAKE_NOW + 86_401 },
      ['tdx.root-ca-crl expired', 'tdx.pck-crl expired'],
    ],
    [
      'at no time',
      { at: Number.NaN },
      ['tdx.pck-chain expired', 'tdx.tcb-signing expired', 'tdx.root-ca-crl expired'],
    ],
  ])('%s', (_what, wanted, expected) => {
    const found = failed(wanted)
    expect(found.filter((name) => !name.startsWith('tdx.collateral-complete'))).toEqual(expected)
    expect(judge(wanted).acceptable).toBe(false)
  })

  it.each<[string, Case]>([
    [
      'platform',
      { collateral: { pckCrl: { revoked: [{ serialNumber: intel.pck.certificate.serialNumber }] } } },
    ],
    [
      'authority',
      { collateral: { rootCaCrl: { revoked: [{ serialNumber: intel.pckCa.certificate.serialNumber }] } } },
    ],
    [
      'signer of TCB information',
      {
        collateral: { rootCaCrl: { revoked: [{ serialNumber: intel.tcbSigning.certificate.serialNumber }] } },
      },
    ],
    [
      'root',
      { collateral: { rootCaCrl: { revoked: [{ serialNumber: intel.root.certificate.serialNumber }] } } },
    ],
  ])('of a revoked %s, which it names', (_what, wanted) => {
    expect(failed(wanted)).toEqual(['tdx.revocation revoked'])
    expect(judge(wanted).fields['collateral']).toMatchObject({
      revoked: [expect.stringMatching(/^Intel SGX/)],
    })
  })

  it.each<[string, FakeCollateralOptions, string]>([
    [
      'a CRL that another key signed',
      { rootCaCrl: { signWith: fakeKey() } },
      'tdx.root-ca-crl collateral-invalid',
    ],
    [
      'a PCK CRL that another key signed',
      { pckCrl: { signWith: fakeKey() } },
      'tdx.pck-crl collateral-invalid',
    ],
    [
      'a PCK CRL of another name',
      { pckCrl: { issuerName: 'Intel SGX PCK Processor CA' } },
      'tdx.pck-crl collateral-invalid',
    ],
    ['a CRL without an end', { rootCaCrl: { nextUpdate: null } }, 'tdx.root-ca-crl collateral-invalid'],
    [
      'TCB information of another FMSPC',
      { tcbInfo: { changes: { fmspc: '00A06D080000' } } },
      'tdx.tcb-info-platform collateral-invalid',
    ],
    [
      'TCB information of another PCEID',
      { tcbInfo: { changes: { pceId: '0100' } } },
      'tdx.tcb-info-platform collateral-invalid',
    ],
    [
      'TCB information of version 2',
      { tcbInfo: { changes: { version: 2 } } },
      'tdx.tcb-info collateral-invalid',
    ],
    [
      'an identity of version 1',
      { qeIdentity: { changes: { version: 1 } } },
      'tdx.qe-identity collateral-invalid',
    ],
    [
      'the identity of the other quoting enclave',
      { qeIdentity: { changes: { id: 'QE' } } },
      'tdx.qe-identity collateral-invalid',
    ],
  ])('with %s', (_what, collateral, expected) => {
    expect(failed({ collateral })).toEqual([expected])
    expect(judge({ collateral }).authentic).toBe(false)
  })
})
