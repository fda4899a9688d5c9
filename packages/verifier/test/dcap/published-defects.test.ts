import { describe, expect, it } from 'vitest'
import { bundleBytes, createFakeIntel, type FakeBundle } from '@sotto/testkit/dcap'
import { FAKE_NOW, fakeKey, fakeRoot } from '@sotto/testkit/x509'
import { toHex } from '@sotto/protocol/bytes'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import { verifySgx } from '@sotto/verifier/sgx'
import { verifyTdx } from '@sotto/verifier/tdx'

const intel = createFakeIntel()
const { roots } = intel
const judge = (evidence: Uint8Array, bundle: object, expectedReportData?: Uint8Array): EvidenceVerdict =>
  verifyTdx(
    {
      evidence,
      collateral: bundleBytes(bundle),
      at: FAKE_NOW,
      ...(expectedReportData && { expectedReportData }),
    },
    { roots },
  )
const bundle = intel.bundle('tdx')
const withCrls = (change: Partial<FakeBundle>) => judge(intel.tdQuote(), { ...bundle, ...change })

describe('defects of other verifiers that this one has not', () => {
  it('CVE-2026-22696: any enclave of a certified platform signs quotes', () => {
    // The platform signs the report of every enclave that may ask it, so that signature and key are genuine.
    const evil = { MRSIGNER: new Uint8Array(32).fill(0x66) }
    for (const verdict of [
      judge(intel.tdQuote({}, { qe: evil }), bundle),
      verifySgx(
        {
          evidence: intel.sgxQuote({}, { qe: evil }),
          collateral: bundleBytes(intel.bundle('sgx')),
          at: FAKE_NOW,
        },
        { roots },
      ),
    ]) {
      expect(verdict.fields['signature_chain']).toBe('valid')
      expect(verdict).toMatchObject({ authentic: false, acceptable: false, reason: 'chain' })
    }
  })

  it('CVE-2026-22696: the identity of the quoting enclave is not verified itself', () => {
    const evil = { MRSIGNER: new Uint8Array(32).fill(0x66) }
    const forged = bundle.qe_identity.replace(/"mrsigner":"[0-9A-F]+"/, `"mrsigner":"${'66'.repeat(32)}"`)
    expect(forged).not.toBe(bundle.qe_identity)
    const verdict = judge(intel.tdQuote({}, { qe: evil }), { ...bundle, qe_identity: forged })
    expect(verdict).toMatchObject({ authentic: false, reason: 'collateral-invalid' })
  })

  it('@phala/dcap-qvl: CRLs of garbage are accepted', () => {
    for (const garbage of ['deadbeef', '00', '30', '3000', 'ff'.repeat(300)]) {
      expect(withCrls({ root_ca_crl: garbage })).toMatchObject({ authentic: false, acceptable: false })
      expect(withCrls({ pck_crl: garbage })).toMatchObject({ authentic: false, acceptable: false })
      expect(withCrls({ root_ca_crl: garbage, pck_crl: garbage }).reason).toBe('collateral-invalid')
    }
  })

  it('@phala/dcap-qvl: CRLs of somebody else are accepted', () => {
    const stranger = fakeRoot({ commonName: 'Intel SGX Root CA' })
    const strangers = [
      stranger.crl(),
      fakeRoot().crl(),
      intel.root.crl({ signWith: fakeKey() }),
      intel.tcbSigning.crl(),
      intel.pck.crl(),
    ]
    for (const crl of strangers) {
      expect(withCrls({ root_ca_crl: toHex(crl) }).reason).toBe('collateral-invalid')
      expect(withCrls({ pck_crl: toHex(crl) }).reason).toBe('collateral-invalid')
    }
  })

  it('bitrouter#566: the TCB status is discarded', () => {
    for (const status of ['OutOfDate', 'ConfigurationNeeded', 'SWHardeningNeeded', 'Revoked']) {
      const verdict = judge(intel.tdQuote(), intel.bundle('tdx', { tcbInfo: { levels: [{ status }] } }))
      expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'tcb' })
      expect(verdict.fields['tcb_status']).toBe(status)
    }
    expect(judge(intel.tdQuote(), intel.bundle('tdx', { tcbInfo: { levels: [] } })).reason).toBe('tcb')
  })

  it('GHSA-4px3-wj2x-xx47: the report data is never compared', () => {
    const REPORTDATA = new Uint8Array(64).fill(1)
    const evidence = intel.tdQuote({ REPORTDATA })
    expect(judge(evidence, bundle, REPORTDATA).acceptable).toBe(true)
    expect(judge(evidence, bundle, REPORTDATA.with(63, 0)).reason).toBe('binding')
  })

  it('GHSA-4r6g-mp48-j2rw: empty report data skip the comparison', () => {
    expect(judge(intel.tdQuote(), bundle, new Uint8Array(0))).toMatchObject({
      authentic: false,
      reason: 'binding',
    })
  })
})
