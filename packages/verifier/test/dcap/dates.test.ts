import { describe, expect, it } from 'vitest'
import { fromHex, utf8 } from '@sotto/protocol/bytes'
import {
  bundleBytes,
  createFakeIntel,
  instant,
  pckExtension,
  type FakeCollateralOptions,
} from '@sotto/testkit/dcap'
import { derWriter, FAKE_NOW, fakePem, fakeRoot } from '@sotto/testkit/x509'
import { appraiseEvidence, FAMILY_REGISTRY, parseEvidencePolicy } from '@sotto/verifier/appraisal'
import type { Collateral, EvidenceVerdict } from '@sotto/verifier/family'
import { verifySgx } from '@sotto/verifier/sgx'
import { verifyTdx } from '@sotto/verifier/tdx'

const DAY = 86_400
const intel = createFakeIntel()
const binding = new Uint8Array(64).fill(7)
const evidence = intel.tdQuote({ REPORTDATA: binding })

/** Collateral of these ages in seconds, all of it in date. */
function aged(tcbInfo: number, qeIdentity: number, pckCrl: number, rootCaCrl: number): FakeCollateralOptions {
  const dates = (age: number): { changes: Record<string, string> } => ({
    changes: { issueDate: instant(FAKE_NOW - age), nextUpdate: instant(FAKE_NOW + 30 * DAY) },
  })
  const crl = (age: number): { thisUpdate: number; nextUpdate: number } => ({
    thisUpdate: FAKE_NOW - age,
    nextUpdate: FAKE_NOW + 30 * DAY,
  })
  return {
    tcbInfo: dates(tcbInfo),
    qeIdentity: dates(qeIdentity),
    pckCrl: crl(pckCrl),
    rootCaCrl: crl(rootCaCrl),
  }
}

const judge = (collateral: Collateral): EvidenceVerdict =>
  verifyTdx({ evidence, collateral, at: FAKE_NOW }, { roots: intel.roots })

describe('dates of what came with a quote', () => {
  it.each(['tdx', 'sgx'] as const)('are those of every verified piece (%s)', (tee) => {
    const collateral = bundleBytes(intel.bundle(tee, aged(1, 2, 3, 4)))
    const verify = tee === 'tdx' ? verifyTdx : verifySgx
    const quote = tee === 'tdx' ? evidence : intel.sgxQuote()
    const { dates, reason } = verify({ evidence: quote, collateral, at: FAKE_NOW }, { roots: intel.roots })
    expect(reason).toBe(null)
    expect([...dates].sort((a, b) => b.issuedAt - a.issuedAt)).toEqual([
      { kind: 'collateral', issuedAt: FAKE_NOW - 1 },
      { kind: 'collateral', issuedAt: FAKE_NOW - 2 },
      { kind: 'revocation', issuedAt: FAKE_NOW - 3 },
      { kind: 'root-list', issuedAt: FAKE_NOW - 4 },
    ])
  })

  it('are not those of what was not verified, or is about another platform', () => {
    expect(judge({}).dates).toEqual([])
    const bundle = intel.bundle('tdx', { tcbInfo: { changes: { fmspc: '00A06D080000' } } })
    expect(judge(bundleBytes(bundle)).dates.filter(({ kind }) => kind === 'collateral')).toHaveLength(1)
    const forged = { ...intel.bundle('tdx'), pck_crl: intel.bundle('tdx').root_ca_crl }
    expect(judge(bundleBytes(forged)).dates.some(({ kind }) => kind === 'revocation')).toBe(false)
  })
})

describe('a policy about the age of collateral', () => {
  const families = new Map(FAMILY_REGISTRY)
  families.set('tdx', {
    ...families.get('tdx')!,
    verify: (input) => verifyTdx(input, { roots: intel.roots }),
  })
  const admits = (collateral: Collateral, limits: object): boolean =>
    appraiseEvidence(
      [{ family: 'tdx', evidence, collateral }],
      parseEvidencePolicy(
        {
          version: 1,
          name: 'p',
          freshness: 'nonce',
          evidenceMaxAgeSeconds: 3600,
          anyOf: [{ name: 't', allOf: [{ family: 'tdx' }] }],
          ...limits,
        },
        families,
      ),
      { at: FAKE_NOW, expectedReportData: binding, boundAt: FAKE_NOW },
      families,
    ).admitted
  const old = intel.bundle('tdx', aged(20 * DAY, 20 * DAY, 20 * DAY, 20 * DAY))
  const limits = { collateralMaxAgeSeconds: DAY, revocationMaxAgeSeconds: DAY }

  it('goes by each of the dates, and not by that of the list of roots', () => {
    const of = (...ages: readonly [number, number, number, number]): Collateral =>
      bundleBytes(intel.bundle('tdx', aged(...ages)))
    expect(admits(of(DAY, DAY, DAY, 20 * DAY), limits)).toBe(true)
    expect(admits(of(DAY + 1, 0, 0, 0), limits)).toBe(false)
    expect(admits(of(0, DAY + 1, 0, 0), limits)).toBe(false)
    expect(admits(of(0, 0, DAY + 1, 0), limits)).toBe(false)
    expect(admits(bundleBytes(old), {})).toBe(true)
  })

  it('is not satisfied by a date that nobody signed', () => {
    const issueDate = instant(FAKE_NOW)
    expect(admits(bundleBytes({ issueDate, ...old }), { collateralMaxAgeSeconds: DAY })).toBe(false)
    const beside = { ...bundleBytes(old), note: utf8(JSON.stringify({ issueDate })) }
    expect(admits(beside, { collateralMaxAgeSeconds: DAY })).toBe(false)
  })

  it('is not satisfied by a list of somebody else, however the own one is written', () => {
    const { pck_crl: crl, ...rest } = old
    const collateral = {
      ...bundleBytes(rest),
      crl: utf8(encodeURIComponent(fakePem('X509 CRL', fromHex(crl)))),
    }
    expect(admits(collateral, {})).toBe(true)
    const decoy = fakeRoot({ commonName: 'anybody' }).crl({ thisUpdate: FAKE_NOW })
    for (const given of [collateral, { ...collateral, decoy }])
      expect(admits(given, { revocationMaxAgeSeconds: DAY })).toBe(false)
  })
})

describe('a verdict about a quote', () => {
  const END = FAKE_NOW + 60

  it.each<[string, Parameters<typeof createFakeIntel>[0], FakeCollateralOptions]>([
    ['signer of TCB information', { tcbSigning: { notAfter: END } }, {}],
    ['certificate of the platform', { pck: { notAfter: END } }, {}],
    ['authority of the platform', { pckCa: { notAfter: END } }, {}],
    ['root', { root: { notAfter: END } }, {}],
    ['TCB information', {}, { tcbInfo: { changes: { nextUpdate: instant(END) } } }],
    ['identity of the quoting enclave', {}, { qeIdentity: { changes: { nextUpdate: instant(END) } } }],
    ['list of revoked platforms', {}, { pckCrl: { nextUpdate: END } }],
    ['list of revoked authorities', {}, { rootCaCrl: { nextUpdate: END } }],
  ])('lasts no longer than the %s', (_what, certificates, collateral) => {
    const own = createFakeIntel(certificates)
    const verdict = verifyTdx(
      { evidence: own.tdQuote(), collateral: bundleBytes(own.bundle('tdx', collateral)), at: FAKE_NOW },
      { roots: own.roots },
    )
    expect(verdict).toMatchObject({ acceptable: true, validUntil: END })
  })

  it.each(['pckCa', 'tcbSigning', 'pck'] as const)('is refused where %s is for some purpose only', (name) => {
    const { sequence, oid } = derWriter
    const usage = { oid: '2.5.29.37', critical: true, value: sequence(oid('1.3.6.1.5.5.7.3.1')) }
    const own = createFakeIntel({
      [name]: { extensions: [...(name === 'pck' ? [pckExtension()] : []), usage] },
    })
    const verdict = verifyTdx(
      { evidence: own.tdQuote(), collateral: bundleBytes(own.bundle('tdx')), at: FAKE_NOW },
      { roots: own.roots },
    )
    const failed = verdict.steps.find(({ status }) => status === 'fail')
    expect([verdict.authentic, failed?.reason]).toEqual([false, expect.stringContaining('other purposes')])
  })

  it.each(['tdx', 'sgx'] as const)('is not authentic with anything but zeros behind it (%s)', (tee) => {
    const verify = tee === 'tdx' ? verifyTdx : verifySgx
    const of = (trailing: Uint8Array): EvidenceVerdict =>
      verify(
        {
          evidence: tee === 'tdx' ? intel.tdQuote({}, { trailing }) : intel.sgxQuote({}, { trailing }),
          collateral: bundleBytes(intel.bundle(tee)),
          at: FAKE_NOW,
        },
        { roots: intel.roots },
      )
    expect(of(new Uint8Array(3065))).toMatchObject({ authentic: true, acceptable: true })
    for (const at of [0, 3064])
      expect(of(new Uint8Array(3065).fill(0x41, at, at + 1))).toMatchObject({
        authentic: false,
        acceptable: false,
        reason: 'malformed',
        fields: { signature_chain: 'valid', trailing_bytes: 3065 },
      })
  })
})
