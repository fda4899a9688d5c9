import { describe, expect, it } from 'vitest'
import { bundleBytes, createFakeIntel, pcsPieces } from '@sotto/testkit/dcap'
import type { FakeCollateralOptions, FakeQuoteOptions, FakeReportFields } from '@sotto/testkit/dcap'
import { FAKE_NOW, fakeKey } from '@sotto/testkit/x509'
import { sgxPolicyDecoder, verifySgx, type SgxPolicy } from '@sotto/verifier/sgx'

const intel = createFakeIntel({ authority: 'Processor', platform: { platformInstanceId: null } })

interface Case {
  fields?: FakeReportFields
  quote?: FakeQuoteOptions
  collateral?: FakeCollateralOptions
  policy?: SgxPolicy
}

const judge = ({ fields, quote, collateral, policy = {} }: Case) =>
  verifySgx(
    {
      evidence: intel.sgxQuote(fields, quote),
      collateral: bundleBytes(intel.bundle('sgx', collateral)),
      at: FAKE_NOW,
      policy,
    },
    { roots: intel.roots },
  )
const failed = (wanted: Case): string[] =>
  judge(wanted)
    .steps.filter(({ status }) => status === 'fail')
    .map(({ name, class: of }) => `${name} ${of}`)
const flags = (...values: number[]): Uint8Array => {
  const ATTRIBUTES = new Uint8Array(16)
  ATTRIBUTES.set(values)
  return ATTRIBUTES
}

describe('an SGX quote of a platform that is up to date', () => {
  it.each([3, 4, 5])('is accepted in version %i', (version) => {
    expect(judge({ quote: { version } })).toMatchObject({
      family: 'sgx',
      authentic: true,
      acceptable: true,
      fields: {
        version,
        tee: 'SGX',
        body_type: version === 5 ? 1 : null,
        pck_issuer: 'Intel SGX PCK Processor CA',
        collateral: { tdx_module: null },
        signature_chain: 'valid',
      },
    })
  })

  it('is accepted with the answers of the PCS', () => {
    const [evidence, collateral] = [intel.sgxQuote(), pcsPieces(intel.bundle('sgx'))]
    expect(verifySgx({ evidence, collateral, at: FAKE_NOW }, { roots: intel.roots }).acceptable).toBe(true)
  })

  it('is authentic and not acceptable without collateral', () => {
    const evidence = intel.sgxQuote()
    const verdict = verifySgx({ evidence, collateral: {}, at: FAKE_NOW }, { roots: intel.roots })
    expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'collateral-missing' })
  })

  it('is no quote of a TD', () => {
    const evidence = intel.tdQuote()
    expect(verifySgx({ evidence, collateral: {}, at: FAKE_NOW }, { roots: intel.roots }).reason).toBe(
      'malformed',
    )
  })
})

describe('an SGX quote is refused', () => {
  it.each<[string, Case, string]>([
    ['signed by another key', { quote: { signWith: fakeKey() } }, 'sgx.signature signature'],
    ['by another enclave', { quote: { qe: { MRSIGNER: new Uint8Array(32) } } }, 'sgx.quoting-enclave chain'],
    ['by the quoting enclave of TDX', { quote: { qe: { ISVPRODID: 2 } } }, 'sgx.quoting-enclave chain'],
    ['of debug mode', { fields: { ATTRIBUTES: flags(7) } }, 'sgx.debug debug'],
    ['that was not initialised', { fields: { ATTRIBUTES: flags(4) } }, 'sgx.attributes guest-policy'],
    ['with the provisioning key', { fields: { ATTRIBUTES: flags(0x15) } }, 'sgx.attributes guest-policy'],
    ['with a reserved attribute', { fields: { ATTRIBUTES: flags(5, 8) } }, 'sgx.attributes guest-policy'],
    ['of an old quoting enclave', { quote: { qe: { ISVSVN: 7 } } }, 'sgx.tcb tcb'],
    [
      'with TCB information for TDX',
      { collateral: { tcbInfo: { changes: { id: 'TDX' } } } },
      'sgx.tcb-info collateral-invalid',
    ],
  ])('%s', (_what, wanted, expected) => {
    expect(failed(wanted)[0]).toBe(expected)
    expect(judge(wanted).acceptable).toBe(false)
  })
})

describe('a policy for enclaves', () => {
  const fields = { ISVPRODID: 4, ISVSVN: 9, CONFIGID: new Uint8Array(64).fill(2) }
  const policy: SgxPolicy = {
    mrEnclave: ['e1'.repeat(32)],
    mrSigner: ['51'.repeat(32)],
    isvProdIds: [4],
    minimumIsvSvn: 9,
    configIds: ['02'.repeat(64)],
  }

  it('names what runs', () => {
    expect(failed({ fields, policy })).toEqual([])
    const other = ['ff'.repeat(32)]
    for (const change of [{ mrEnclave: other }, { mrSigner: other }, { configIds: ['ff'.repeat(64)] }])
      expect(failed({ fields, policy: { ...policy, ...change } })).toEqual(['sgx.measurement measurement'])
    for (const change of [{ isvProdIds: [3, 5] }, { minimumIsvSvn: 10 }])
      expect(failed({ fields, policy: { ...policy, ...change } })).toEqual(['sgx.product measurement'])
  })

  it('allows what it names', () => {
    const ATTRIBUTES = flags(0x17)
    expect(failed({ fields: { ATTRIBUTES }, policy: { allowDebug: true } })).toEqual([
      'sgx.attributes guest-policy',
    ])
    expect(failed({ fields: { ATTRIBUTES }, policy: { allowDebug: true, allowProvisionKey: true } })).toEqual(
      [],
    )
  })

  it('accepts an old quoting enclave only as out of date', () => {
    const collateral = {
      qeIdentity: {
        levels: [
          { isvsvn: 9, status: 'UpToDate' },
          { isvsvn: 8, status: 'OutOfDate', advisoryIDs: ['INTEL-SA-00615'] },
        ],
      },
    }
    expect(failed({ collateral })).toEqual(['sgx.tcb-status tcb'])
    expect(judge({ collateral }).fields).toMatchObject({
      tcb_status: 'OutOfDate',
      advisory_ids: ['INTEL-SA-00615'],
      collateral: { platform_tcb: 'UpToDate', qe_tcb: ['OutOfDate', 'identity_ok', 8] },
    })
    expect(failed({ collateral, policy: { acceptedTcbStatuses: ['OutOfDate'] } })).toEqual([])
  })

  it('is read strictly', () => {
    expect(sgxPolicyDecoder(policy, 'policy')).toEqual(policy)
    for (const wrong of [
      { mrTd: ['00'.repeat(48)] },
      { isvProdIds: [] },
      { isvProdIds: [65_536] },
      { minimumIsvSvn: -1 },
      { mrEnclave: ['00'.repeat(48)] },
    ])
      expect(() => sgxPolicyDecoder(wrong, 'policy')).toThrow(expect.objectContaining({ code: 'JCS_FIELD' }))
  })
})
