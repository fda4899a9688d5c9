import { beforeAll, describe, expect, it } from 'vitest'
import { FAKE_NOW, type FakeIdentity, type OcspOptions } from '@sotto/testkit/x509'
import { type FakeDevice, fakeNvidia, type FakeNvidia } from '@sotto/testkit/nvidia'
import type { Collateral, EvidenceVerdict } from '@sotto/verifier/family'
import { type NvidiaPolicy, verifyNvidia } from '@sotto/verifier/nvidia'
import { failures, without } from './vectors.ts'

const DAY = 86_400
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
let vendor: FakeNvidia
let device: FakeDevice
let base: Collateral
beforeAll(() => {
  vendor = fakeNvidia()
  device = vendor.device()
  base = { chain: device.chain, ...vendor.rims() }
})

/** A delegated responder for each issuer, as NVIDIA has. */
function answer(subject: FakeIdentity, issuer: FakeIdentity, options: OcspOptions = {}): Uint8Array {
  const responder = issuer.issue({ commonName: 'Fake OCSP', extendedKeyUsage: [OCSP_SIGNING] })
  return issuer.ocsp(subject.certificate, { responder, ...options })
}

/** Responses about everything that has a status. */
function answers(options: OcspOptions = {}): Collateral {
  const [, boot, ...authorities] = device.certificates
  const path = [boot!, ...authorities]
  const pairs = [
    ...path.slice(0, -1).map((one, i) => [one, path[i + 1]!] as const),
    ...vendor.rimPath.slice(0, -1).map((one, i) => [one, vendor.rimPath[i + 1]!] as const),
  ]
  return Object.fromEntries(
    pairs.map(([subject, issuer], i) => [`ocsp${i}`, answer(subject, issuer, options)]),
  )
}

function judge(collateral: Collateral, policy: NvidiaPolicy = {}, at = FAKE_NOW): EvidenceVerdict {
  return verifyNvidia(
    { evidence: device.report(), collateral: { ...base, ...collateral }, at, policy },
    vendor.roots,
  )
}
const boot = (options: OcspOptions = {}): Collateral => ({
  ...answers(),
  ocsp0: answer(device.certificates[1]!, device.certificates[2]!, options),
})

describe('OCSP responses', () => {
  it('are accepted about every certificate that has a status', () => {
    expect(judge(answers(), { requireOcsp: true })).toMatchObject({
      acceptable: true,
      validUntil: FAKE_NOW + DAY,
    })
  })

  it('say how old they are, but for those of another time', () => {
    const at = (thisUpdate: number): Collateral => boot({ thisUpdate, nextUpdate: FAKE_NOW + DAY })
    const issued = ({ dates }: EvidenceVerdict): number[] => dates.map(({ issuedAt }) => issuedAt)
    expect(judge(at(FAKE_NOW - 7))).toMatchObject({ acceptable: true })
    expect(judge(at(FAKE_NOW - 7)).dates).toContainEqual({ kind: 'revocation', issuedAt: FAKE_NOW - 7 })
    expect(issued(judge(at(FAKE_NOW - 7)))).toHaveLength(2)
    const stale = boot({ thisUpdate: FAKE_NOW - 9 * DAY, nextUpdate: FAKE_NOW - 8 * DAY })
    expect(issued(judge(stale))).not.toContain(FAKE_NOW - 9 * DAY)
    expect(judge({}).dates).toEqual([])
  })

  it('need not be given, unless the policy says so', () => {
    expect(judge({})).toMatchObject({ acceptable: true })
    expect(failures(judge({}, { requireOcsp: true }))).toEqual([
      'nvidia.revocation-status collateral-missing',
    ])
  })

  it.each([
    ['revoked', {}],
    ['revoked by its key', { reason: 1 }],
    ['on hold', { reason: 6 }],
  ])('refuse a certificate that is %s', (_what, options) => {
    const { steps, authentic, reason } = judge(boot({ status: 'revoked', ...options }))
    expect({ authentic, reason }).toEqual({ authentic: false, reason: 'revoked' })
    expect(steps.find(({ name }) => name === 'nvidia.ocsp')).toMatchObject({
      class: 'revoked',
      found: 'reason' in options && options.reason === 6 ? 'on hold' : 'revoked',
    })
  })

  it('refuse a revoked certificate even when they are old: time takes nothing back', () => {
    const old = { status: 'revoked', thisUpdate: FAKE_NOW - 9 * DAY, nextUpdate: FAKE_NOW - 8 * DAY } as const
    expect(judge(boot(old))).toMatchObject({ authentic: false, reason: 'revoked' })
  })

  it('refuse a certificate that the responder does not know', () => {
    expect(judge(boot({ status: 'unknown' }))).toMatchObject({
      authentic: false,
      reason: 'collateral-invalid',
    })
  })

  it.each(['ocsp0', 'ocsp1', 'ocsp2', 'ocsp3', 'ocsp4', 'ocsp5'])(
    'do not pass without %s, which may be the one that revokes',
    (name) => {
      const verdict = judge(without(answers(), name))
      expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'collateral-missing' })
      expect(failures(verdict)).toEqual(['nvidia.revocation-status collateral-missing'])
    },
  )

  it('of another time count as none', () => {
    for (const options of [
      { thisUpdate: FAKE_NOW - 9 * DAY, nextUpdate: FAKE_NOW - 8 * DAY },
      { thisUpdate: FAKE_NOW + DAY, nextUpdate: FAKE_NOW + 2 * DAY },
    ]) {
      expect(judge(answers(options))).toMatchObject({
        authentic: true,
        acceptable: true,
        validUntil: FAKE_NOW + 365 * DAY,
      })
      expect(failures(judge(answers(options), { requireOcsp: true }))).toEqual([
        'nvidia.revocation-status collateral-missing',
      ])
      expect(failures(judge(boot(options)))).toEqual(['nvidia.revocation-status collateral-missing'])
    }
  })

  it('of a responder whose certificate has ended count as none', () => {
    const [, subject, issuer] = device.certificates
    const responder = issuer!.issue({
      commonName: 'Old OCSP',
      extendedKeyUsage: [OCSP_SIGNING],
      notAfter: FAKE_NOW - 60,
    })
    const ocsp0 = issuer!.ocsp(subject!.certificate, { responder })
    expect(failures(judge({ ...answers(), ocsp0 }))).toEqual(['nvidia.revocation-status collateral-missing'])
  })

  it.each<[string, OcspOptions]>([
    ['another key signed', { signWith: fakeNvidia().rimPath[0].key }],
    ['a responder of another issuer signed', { responder: fakeNvidia().rimPath[0] }],
    ['never end', { nextUpdate: null }],
    ['are about another issuer', { aboutIssuer: fakeNvidia().rimPath[0] }],
    ['answer twice', { copies: 2 }],
  ])('are refused that %s', (_what, options) => {
    expect(judge(boot(options))).toMatchObject({ authentic: false, reason: 'collateral-invalid' })
  })

  it('are refused of a responder that was not made for it', () => {
    const [, subject, issuer] = device.certificates
    const responder = issuer!.issue({ commonName: 'Fake leaf' })
    const ocsp0 = issuer!.ocsp(subject!.certificate, { responder })
    expect(judge({ ...answers(), ocsp0 })).toMatchObject({ authentic: false, reason: 'collateral-invalid' })
  })

  it('about another certificate are refused, unless a manifest is missing that they may be about', () => {
    const stray = answer(vendor.rimPath[0], vendor.rimPath[1], { serialNumber: Uint8Array.of(1, 2, 3) })
    expect(judge({ ...answers(), stray })).toMatchObject({ authentic: false, reason: 'collateral-invalid' })
    const collateral = { ...without(base, 'vbios'), ...answers(), stray }
    const verdict = verifyNvidia({ evidence: device.report(), collateral, at: FAKE_NOW }, vendor.roots)
    expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'collateral-missing' })
  })

  it('that say that there is no answer are refused', () => {
    expect(judge(boot({ responseStatus: 6 }))).toMatchObject({
      authentic: false,
      reason: 'collateral-invalid',
    })
  })
})
