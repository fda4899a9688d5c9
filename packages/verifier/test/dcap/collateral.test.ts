import { describe, expect, it } from 'vitest'
import { concat, fromHex, fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { bundleBytes, createFakeIntel, pcsPieces, type FakeBundle } from '@sotto/testkit/dcap'
import { FAKE_NOW, fakePem, fakeRoot } from '@sotto/testkit/x509'
import type { Collateral } from '@sotto/verifier/family'
import { verifyTdx } from '@sotto/verifier/tdx'

const intel = createFakeIntel()
const evidence = intel.tdQuote()
const bundle = intel.bundle('tdx')
const judge = (collateral: Collateral) =>
  verifyTdx({ evidence, collateral, at: FAKE_NOW }, { roots: intel.roots })
const failed = (collateral: Collateral): string[] =>
  judge(collateral)
    .steps.filter(({ status }) => status === 'fail')
    .map(({ name, class: of }) => `${name} ${of}`)
const json = (value: object): Collateral => ({ file: utf8(JSON.stringify(value)) })
const pieces = pcsPieces(bundle)
/** What cannot be read is as good as not there. */
const UNREAD = ['tdx.collateral collateral-invalid', 'tdx.collateral-complete collateral-missing']

describe('collateral', () => {
  it('is a bundle, or answers of the PCS, or the members of a bundle as files', () => {
    expect(judge(bundleBytes(bundle))).toMatchObject({ acceptable: true, reason: null })
    expect(judge(pieces)).toMatchObject({ acceptable: true, reason: null })
    const files = Object.values(bundle as object as Record<string, string>).map((text, i) => [
      `${i}`,
      utf8(text),
    ])
    expect(judge(Object.fromEntries(files) as Collateral)).toMatchObject({ acceptable: true, reason: null })
  })

  it('may hold CRLs in PEM, URL-encoded too', () => {
    const { d: _d, e: _e, ...rest } = pieces
    const d = utf8(fakePem('X509 CRL', intel.root.crl()))
    const pem = fakePem('X509 CRL', intel.pckCa.crl())
    expect(judge({ ...rest, d, e: utf8(pem) }).reason).toBe(null)
    expect(judge({ ...rest, d, e: utf8(encodeURIComponent(pem)) }).reason).toBe(null)
  })

  it.each<[string, Uint8Array, string, string]>([
    [
      'of the other authority',
      intel.root.issue({ commonName: 'Intel SGX PCK Processor CA', ca: true }).crl(),
      'tdx.pck-crl',
      'CN=Intel SGX PCK Processor CA',
    ],
    ['of nobody', fakeRoot({ commonName: 'anybody' }).crl(), 'tdx.pck-crl', 'CN=anybody'],
    [
      'of a root with the name of ours',
      fakeRoot({ commonName: 'Intel SGX Root CA' }).crl(),
      'tdx.root-ca-crl',
      'undefined',
    ],
  ])('is refused by name with a CRL %s beside the genuine ones', (_what, crl, step, found) => {
    for (const given of [
      { ...pieces, z: crl },
      { z: crl, ...pieces },
    ]) {
      expect(failed(given)).toEqual([`${step} collateral-invalid`])
      expect(judge(given).authentic).toBe(false)
      expect(`${judge(given).steps.find(({ name }) => name === step)!.found}`).toBe(found)
    }
  })

  it('is read with a bounded number of CRLs of a bounded size', () => {
    const crl = intel.pckCa.crl()
    const many = (count: number, bytes: Uint8Array): Collateral =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`crl ${i}`, bytes]))
    expect(judge({ ...pieces, ...many(6, crl) }).reason).toBe(null)
    expect(failed({ ...pieces, ...many(7, crl) })).toContain('tdx.collateral collateral-invalid')
    const revoked = Array.from({ length: 1000 }, (_, i) => ({ serialNumber: Uint8Array.of(1, i >> 8, i) }))
    const large = intel.pckCa.crl({ revoked })
    expect(judge({ ...pieces, ...many(5, large) }).reason).toBe(null)
    expect(failed({ ...pieces, ...many(2, concat(large, new Uint8Array(300_000))) })).toContain(
      'tdx.collateral collateral-invalid',
    )
  })

  it.each<[string, Collateral, string]>([
    ['a bundle', json({ issueDate: '2026-01-01T00:00:00Z', ...bundle }), 'issueDate'],
    ['a bundle', json({ ...bundle, root_ca_crls: [] }), 'root_ca_crls'],
    [
      'an answer of the PCS',
      { ...pieces, a: utf8(fromUtf8(pieces['a']!).replace('{', '{"issueDate":"2026-01-01T00:00:00Z",')) },
      'issueDate',
    ],
    [
      'an answer of the PCS',
      { ...pieces, a: utf8(fromUtf8(pieces['a']!).replace('{', `{"enclaveIdentity":{},`)) },
      'enclaveIdentity',
    ],
  ])('is refused with an unknown member of %s, by its name', (_what, collateral, name) => {
    const verdict = judge(collateral)
    expect(verdict).toMatchObject({ authentic: false, acceptable: false, reason: 'collateral-invalid' })
    expect(verdict.steps.find(({ status }) => status === 'fail')).toMatchObject({
      name: 'tdx.collateral',
      reason: expect.stringContaining(`unknown member ${name}`),
    })
  })

  it('may have other things beside it', () => {
    const others = {
      readme: utf8('not a piece'),
      config: utf8('{"cpu_count": 16.50, "cpu_count": 1}'),
      list: utf8('[1,2]'),
      image: Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 1, 2),
      root: intel.root.der,
      empty: new Uint8Array(0),
      other: utf8(fakeRoot().pem),
    }
    expect(judge({ ...others, ...pieces }).reason).toBe(null)
  })

  it('may hold the documents for another TEE as well', () => {
    const sgx = pcsPieces(intel.bundle('sgx'))
    expect(judge({ ...pieces, f: sgx['a']!, g: sgx['b']! }).reason).toBe(null)
    expect(failed({ ...pieces, a: sgx['a']!, b: sgx['b']! })).toEqual([
      'tdx.tcb-info collateral-invalid',
      'tdx.qe-identity collateral-invalid',
    ])
  })

  it.each(Object.keys(bundle).filter((name) => name !== 'pck_crl_issuer_chain'))(
    'is missed without %s, whether left out or empty',
    (name) => {
      const { [name as keyof FakeBundle]: _removed, ...rest } = bundle
      for (const collateral of [json(rest), json({ ...rest, [name]: '' })]) {
        expect(judge(collateral)).toMatchObject({ authentic: true, acceptable: false })
        const missing = failed(collateral)
        expect(missing).toEqual(['tdx.collateral-complete collateral-missing'])
      }
    },
  )

  it.each(Object.keys(pieces))('is missed without piece %s', (name) => {
    const { [name]: _removed, ...rest } = pieces
    expect(failed(rest)).toEqual(['tdx.collateral-complete collateral-missing'])
  })

  it.each<[string, Partial<FakeBundle>, string[]]>([
    ['a CRL of nonsense', { root_ca_crl: 'deadbeef' }, UNREAD],
    ['a CRL of one byte', { pck_crl: '00' }, UNREAD],
    ['a CRL that is no hexadecimal', { pck_crl: 'zz' }, UNREAD],
    ['a CRL with a byte behind it', { pck_crl: `${bundle.pck_crl}00` }, UNREAD],
    ['the CRL of the other authority', { pck_crl: bundle.root_ca_crl }, ['tdx.pck-crl collateral-invalid']],
    [
      'both CRLs exchanged',
      { pck_crl: bundle.root_ca_crl, root_ca_crl: bundle.pck_crl },
      ['tdx.root-ca-crl collateral-invalid', 'tdx.pck-crl collateral-invalid'],
    ],
    [
      'documents exchanged',
      { tcb_info: bundle.qe_identity, qe_identity: bundle.tcb_info },
      ['tdx.tcb-info collateral-invalid', 'tdx.qe-identity collateral-invalid'],
    ],
    [
      'signatures exchanged',
      { tcb_info_signature: bundle.qe_identity_signature, qe_identity_signature: bundle.tcb_info_signature },
      ['tdx.tcb-info collateral-invalid', 'tdx.qe-identity collateral-invalid'],
    ],
    ['a signature of zeros', { tcb_info_signature: '00'.repeat(64) }, ['tdx.tcb-info collateral-invalid']],
    [
      'a signature that is too long',
      { tcb_info_signature: `${bundle.tcb_info_signature}00` },
      ['tdx.tcb-info collateral-invalid'],
    ],
    ['white space in a document', { tcb_info: `${bundle.tcb_info} ` }, ['tdx.tcb-info collateral-invalid']],
    [
      'a chain of the PCK in the place of the signer',
      { tcb_info_issuer_chain: bundle.pck_crl_issuer_chain },
      ['tdx.tcb-signing collateral-invalid'],
    ],
    [
      'another chain beside the PCK CRL',
      { pck_crl_issuer_chain: bundle.tcb_info_issuer_chain },
      ['tdx.issuer-chains collateral-invalid'],
    ],
    [
      'a PCK chain of another platform',
      { pck_certificate_chain: createFakeIntel().pck.pem },
      ['tdx.issuer-chains collateral-invalid'],
    ],
    [
      'a document that is no JSON',
      { tcb_info: '{' },
      ['tdx.collateral collateral-invalid', 'tdx.collateral-complete collateral-missing'],
    ],
    [
      'a document with a name twice',
      { tcb_info: bundle.tcb_info.replace('{', '{"id":"TDX",') },
      ['tdx.collateral collateral-invalid', 'tdx.collateral-complete collateral-missing'],
    ],
  ])('is refused with %s', (_what, change, expected) => {
    const collateral = json({ ...bundle, ...change })
    expect(failed(collateral)).toEqual(expected)
    expect(judge(collateral).authentic).toBe(false)
  })

  it('is refused when it says two things', () => {
    const other = intel.bundle('tdx', { tcbInfo: { changes: { tcbEvaluationDataNumber: 16 } } })
    expect(failed({ ...pieces, z: pcsPieces(other)['a']! })).toEqual(['tdx.tcb-info collateral-invalid'])
    expect(judge({ ...pieces, z: pieces['a']! }).reason).toBe(null)
  })

  it('counts every list of revoked certificates that came', () => {
    const revoking = intel.pckCa.crl({ revoked: [{ serialNumber: intel.pck.certificate.serialNumber }] })
    expect(failed({ ...pieces, z: revoking })).toEqual(['tdx.revocation revoked'])
    expect(failed({ z: revoking, ...pieces })).toEqual(['tdx.revocation revoked'])
  })

  it('is read within bounds', () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`${i}`, utf8('x')]))
    expect(failed(many)).toContain('tdx.collateral collateral-invalid')
    expect(failed({ ...pieces, z: new Uint8Array(1_048_577) })).toContain('tdx.collateral collateral-invalid')
  })

  it.each<[string, Uint8Array]>([
    ['DER that is no CRL', concat(Uint8Array.of(0x30, 0x82, 0x01, 0x00), new Uint8Array(256))],
    ['a changed CRL', fromHex(bundle.pck_crl).map((byte, i) => (i === 12 ? byte ^ 0xff : byte))],
    ['PEM that is no certificate', utf8('-----BEGIN CERTIFICATE-----\nAAAA')],
    ['an answer with a name twice', utf8(`{"tcbInfo":1,"tcbInfo":${bundle.tcb_info},"signature":""}`)],
    ['an answer in bad UTF-16', utf8('{"tcbInfo":"\\ud800"')],
  ])('is refused with %s beside it', (_what, bytes) => {
    expect(failed({ ...pieces, z: bytes })).toEqual(['tdx.collateral collateral-invalid'])
  })

  it('verifies the characters of an answer, not its value', () => {
    const spaced = JSON.stringify(JSON.parse(bundle.tcb_info), null, 1)
    const answer = (document: string, signature: string): Uint8Array =>
      utf8(`{ "signature": "${signature}", "tcbInfo": ${document} }`)
    expect(failed({ ...pieces, a: answer(spaced, bundle.tcb_info_signature) })).toEqual([
      'tdx.tcb-info collateral-invalid',
    ])
    expect(judge({ ...pieces, a: answer(spaced, intel.sign(spaced)) }).reason).toBe(null)
    expect(toHex(utf8(spaced))).not.toBe(toHex(utf8(bundle.tcb_info)))
  })
})
