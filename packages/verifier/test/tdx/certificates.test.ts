import { describe, expect, it } from 'vitest'
import { bundleBytes, createFakeIntel, pckExtension } from '@sotto/testkit/dcap'
import type { FakeIntel } from '@sotto/testkit/dcap'
import { FAKE_NOW, fakeKey, fakeRoot } from '@sotto/testkit/x509'
import { verifyTdx } from '@sotto/verifier/tdx'
import { failed, intel } from './fake-case.ts'

describe('the certificates of a TD quote', () => {
  const extensions = [pckExtension()]
  it.each<[string, FakeIntel, string]>([
    [
      'a PCK with another name',
      createFakeIntel({ pck: { commonName: 'Intel SGX PCK Certificate 2', extensions } }),
      'tdx.pck-chain chain',
    ],
    [
      'an authority with another name',
      createFakeIntel({ pckCa: { commonName: 'Intel SGX PCK CA' } }),
      'tdx.pck-chain chain',
    ],
    ['an authority that is none', createFakeIntel({ pckCa: { ca: false } }), 'tdx.pck-chain chain'],
    [
      'an authority that signs no certificates',
      createFakeIntel({ pckCa: { keyUsage: 1 } }),
      'tdx.pck-chain chain',
    ],
    ['a PCK that is an authority', createFakeIntel({ pck: { ca: true, extensions } }), 'tdx.pck-chain chain'],
    ['a PCK without its extension', createFakeIntel({ pck: { extensions: [] } }), 'tdx.pck-chain malformed'],
    [
      'a PCK with something critical',
      createFakeIntel({
        pck: { extensions: [...extensions, { oid: '1.2.3', critical: true, value: new Uint8Array(0) }] },
      }),
      'tdx.pck-chain chain',
    ],
    [
      'a PCK that has expired',
      createFakeIntel({ pck: { notAfter: FAKE_NOW - 1, extensions } }),
      'tdx.pck-chain expired',
    ],
    [
      'a PCK of another signer',
      createFakeIntel({ pck: { signWith: fakeKey(), extensions } }),
      'tdx.pck-chain chain',
    ],
    [
      'a TCB signer with another name',
      createFakeIntel({ tcbSigning: { commonName: 'Intel SGX PCK Certificate' } }),
      'tdx.tcb-signing collateral-invalid',
    ],
    [
      'a TCB signer that is an authority',
      createFakeIntel({ tcbSigning: { ca: true } }),
      'tdx.tcb-signing collateral-invalid',
    ],
    [
      'a TCB signer that has expired',
      createFakeIntel({ tcbSigning: { notAfter: FAKE_NOW - 1 } }),
      'tdx.tcb-signing expired',
    ],
    [
      'a TCB signer of another root',
      createFakeIntel({ tcbSigning: { signWith: fakeKey() } }),
      'tdx.tcb-signing collateral-invalid',
    ],
  ])('are refused with %s', (_what, by, expected) => {
    expect(failed({ by })[0]).toBe(expected)
  })

  it('are refused when their root only has the name of ours', () => {
    const impostor = createFakeIntel()
    const verdict = verifyTdx(
      { evidence: impostor.tdQuote(), collateral: bundleBytes(impostor.bundle('tdx')), at: FAKE_NOW },
      { roots: intel.roots },
    )
    expect(
      verdict.steps.filter(({ status }) => status === 'fail').map(({ name, class: of }) => [name, of]),
    ).toEqual(
      expect.arrayContaining([
        ['tdx.pck-chain', 'chain'],
        ['tdx.tcb-signing', 'collateral-invalid'],
        ['tdx.root-ca-crl', 'collateral-invalid'],
      ]),
    )
  })

  it('may end in another certificate of the same root, or before it', () => {
    const { key } = intel.root
    const again = fakeRoot({ commonName: 'Intel SGX Root CA', pathLength: 1, key })
    const pem = (last: string) => new TextEncoder().encode(`${intel.pck.pem}${intel.pckCa.pem}${last}`)
    for (const last of [again.pem, ''])
      expect(failed({ quote: { certificationData: pem(last) } })).toEqual([])
    expect(
      failed({ quote: { certificationData: pem(fakeRoot({ commonName: 'Intel SGX Root CA' }).pem) } })[0],
    ).toBe('tdx.pck-chain chain')
  })

  it('come with collateral where the quote only names them', () => {
    const evidence = intel.tdQuote({}, { certificationType: 2, certificationData: new Uint8Array(404) })
    const bundle = { ...intel.bundle('tdx'), pck_certificate_chain: intel.pck.pem + intel.pckCa.pem }
    const ask = (collateral: object) =>
      verifyTdx({ evidence, collateral: bundleBytes(collateral), at: FAKE_NOW }, { roots: intel.roots })
    expect(ask(bundle)).toMatchObject({ acceptable: true, fields: { pck_cert_type: 2 } })
    expect(ask(intel.bundle('tdx'))).toMatchObject({ authentic: false, reason: 'collateral-missing' })
  })
})
