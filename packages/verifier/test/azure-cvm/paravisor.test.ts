import { describe, expect, it } from 'vitest'
import { toHex } from '@sotto/protocol/bytes'
import { type AzureCvmPolicy, namesParavisor } from '@sotto/verifier/azure-cvm'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import type { Step } from '@sotto/verifier'
import { chip, failures, intelCollateral, judge, microsoft, snpEvidence, tdxEvidence, vtpm } from './world.ts'

/*
 * Whoever owns a genuine processor can start a guest of his own, write runtime data that name a key in a file,
 * bind them to a genuine report, and sign any registers with that key.
 */

const [own, other] = ['01'.repeat(48), '02'.repeat(48)]
const chain = { chain: chip.collateral['chain']! }
const register = { pcrs: { 4: [toHex(vtpm.pcrs[4]!)] } }
const MICROSOFT = expect.stringMatching(/^Microsoft/)
const stepOf = ({ steps }: EvidenceVerdict): Step | undefined =>
  steps.find(({ name }) => name === 'azure-cvm.paravisor')
const certified = (subject?: string, policy: AzureCvmPolicy = {}): EvidenceVerdict =>
  judge(snpEvidence(), {
    collateral: {
      ...chain,
      certificate: microsoft.certify(vtpm.key, { ...(subject !== undefined && { subject }) }),
      issuer: microsoft.intermediate,
    },
    policy,
  })

describe('a guest that nothing proves to be the paravisor', () => {
  it.each<[string, () => EvidenceVerdict]>([
    ['on SEV-SNP', () => judge(snpEvidence())],
    ['on TDX', () => judge(tdxEvidence(), { collateral: intelCollateral })],
    [
      'whose HOST_DATA a policy names',
      () => judge(snpEvidence(), { policy: { snp: { hostData: ['02'.repeat(32)] } } }),
    ],
  ])('%s shows it in a step that is not passed, and in whom one trusts', (_what, verdictOf) => {
    const verdict = verdictOf()
    expect(verdict.acceptable).toBe(true)
    expect(stepOf(verdict)).toMatchObject({
      status: 'skipped',
      reason: expect.stringMatching(/^nothing proves it/),
    })
    expect(verdict.trustedParties).not.toContainEqual(MICROSOFT)
  })

  it.each<[string, AzureCvmPolicy]>([
    ['registers', register],
    ['machines', { vmUniqueIds: ['26F8BC30-774E-4290-8E7A-535F3B672AEE'] }],
    ['user data', { userData: ['00'.repeat(64)] }],
    ['the paravisor of other hardware', { tdx: { mrTd: [own] } }],
  ])('is refused by a policy that names %s', (_what, policy) => {
    const verdict = judge(snpEvidence(), { policy })
    expect(failures(verdict)).toEqual([['azure-cvm.paravisor', 'measurement']])
    expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'measurement' })
  })

  it('is refused where the report is of a guest below the paravisor', () => {
    const policy = { snp: { measurements: [own], vmpls: [0, 2] } }
    expect(failures(judge(snpEvidence({ report: { vmpl: 2 } }), { policy }))).toEqual([
      ['azure-cvm.paravisor', 'measurement'],
    ])
  })

  it('is not proven by a certificate of a machine that the host can read', () => {
    const verdict = certified('fake.TrustedVM.Azure.windows.net')
    expect(stepOf(verdict)?.status).toBe('skipped')
    expect(verdict.trustedParties).not.toContainEqual(MICROSOFT)
    for (const policy of [{ requireAkCertificate: true }, register])
      expect(failures(certified('fake.TrustedVM.Azure.windows.net', policy))).toEqual([
        ['azure-cvm.paravisor', 'measurement'],
      ])
  })

  it('has no paravisor that Microsoft would vouch for when its report is about other runtime data', () => {
    const verdict = judge(snpEvidence({ reportData: new Uint8Array(64) }), {
      policy: { snp: { measurements: [own] } },
    })
    expect(stepOf(verdict)?.status).toBe('skipped')
    expect(verdict.trustedParties).not.toContainEqual(MICROSOFT)
  })
})

describe('the paravisor', () => {
  const mrTd = judge(tdxEvidence(), { collateral: intelCollateral }).fields['tdx'] as { mrtd: string }

  it.each<[string, () => EvidenceVerdict]>([
    [
      'its measurement',
      () => judge(snpEvidence(), { policy: { snp: { measurements: [own] }, ...register } }),
    ],
    [
      'the key that signed its identity',
      () =>
        judge(snpEvidence({ report: { idKeyDigest: new Uint8Array(48).fill(5) } }), {
          policy: { snp: { idKeyDigests: ['05'.repeat(48)] }, ...register },
        }),
    ],
    [
      'its MRTD',
      () =>
        judge(tdxEvidence(), {
          collateral: intelCollateral,
          policy: { tdx: { mrTd: [mrTd.mrtd] }, ...register },
        }),
    ],
    ['a certificate of its key', () => certified(undefined, register)],
    ['a certificate that the policy demands', () => certified(undefined, { requireAkCertificate: true })],
  ])('is proven by %s', (_what, verdictOf) => {
    const verdict = verdictOf()
    expect(failures(verdict)).toEqual([])
    expect(stepOf(verdict)?.status).toBe('pass')
    expect(verdict.trustedParties).toContainEqual(MICROSOFT)
  })

  it('is another where the measurement is, which its own step says', () => {
    const verdict = judge(snpEvidence(), { policy: { snp: { measurements: [other] }, ...register } })
    expect(failures(verdict)).toEqual([['sev-snp.measurement', 'measurement']])
    expect(verdict.trustedParties).not.toContainEqual(MICROSOFT)
  })
})

describe('a policy', () => {
  it.each<[AzureCvmPolicy]>([
    [{ snp: { measurements: [own] } }],
    [{ snp: { idKeyDigests: [own] } }],
    [{ snp: { authorKeyDigests: [own] } }],
    [{ tdx: { mrTd: [own] } }],
    [{ requireAkCertificate: true }],
  ])('%j names the paravisor', (policy) => {
    expect(namesParavisor(policy)).toBe(true)
  })

  it.each<[AzureCvmPolicy]>([
    [{}],
    [register],
    [{ requireAkCertificate: false }],
    [{ snp: { hostData: ['00'.repeat(32)], uvm: {}, chipIds: ['00'.repeat(64)] } }],
    [{ tdx: { rtmr0: [own], rtmr1: [own], mrConfigId: [own] } }],
  ])('%j does not', (policy) => {
    expect(namesParavisor(policy)).toBe(false)
  })
})
