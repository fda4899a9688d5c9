import { describe, expect, it } from 'vitest'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
import { fakeRsaKey, fakeRuntimeData, fakeVtpm, fakeVtpmAuthority } from '@sotto/testkit/tpm'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { type AzureCvmPolicy, verifyAzureCvm } from '@sotto/verifier/azure-cvm'
import type { EvidenceInput, Reason } from '@sotto/verifier/family'
import {
  amd,
  chip,
  failures,
  intelCollateral,
  judge,
  microsoft,
  nonce,
  paravisor,
  roots,
  snpEvidence,
  tdxEvidence,
  vtpm,
  type Wanted,
} from './world.ts'

const stranger = fakeRsaKey()

describe('a sound virtual machine', () => {
  it('on SEV-SNP is accepted, and says what it is', () => {
    const verdict = judge(snpEvidence(), { policy: paravisor })
    expect(failures(verdict)).toEqual([])
    expect(verdict).toMatchObject({ family: 'azure-cvm', authentic: true, acceptable: true, reason: null })
    expect(verdict.fields).toMatchObject({
      report_type: 'SNP',
      runtime_data_hash: 'SHA-256',
      report_data_binds_runtime_data: true,
      tpm_quote: { signature: true, pcr_digest: true, nonce_hex: toHex(nonce), pcr_bank: 'sha256', pcrs: 24 },
      keys: ['HCLAkPub'],
      snp: { version: 3, vmpl: 0, product: 'milan', signature: 'valid' },
    })
    expect(verdict.trustedParties).toEqual(['AMD (signs the report)', expect.stringMatching(/^Microsoft/)])
    expect(verdict.validUntil).toBeGreaterThan(FAKE_NOW)
  })

  it('on TDX is accepted with the collateral of Intel', () => {
    const verdict = judge(tdxEvidence(), { collateral: intelCollateral })
    expect(failures(verdict)).toEqual([])
    expect(verdict).toMatchObject({ authentic: true, acceptable: true })
    expect(verdict.fields).toMatchObject({ report_type: 'TDX', tdx: { tdreport_matches_quote: true } })
    expect(verdict.trustedParties).toEqual([expect.stringMatching(/^Intel/)])
  })

  it('on TDX is authentic without it, and lacks it', () => {
    const verdict = judge(tdxEvidence(), { collateral: {} })
    expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'collateral-missing' })
    expect(failures(verdict).every(([, of]) => of === 'collateral-missing')).toBe(true)
  })

  it.each([2, 3] as const)('may bind its runtime data with hash %s', (hash) => {
    const verdict = judge(snpEvidence({ hcl: { hash } }))
    expect(verdict).toMatchObject({
      acceptable: true,
      fields: { runtime_data_hash: hash === 2 ? 'SHA-384' : 'SHA-512' },
    })
    expect(verdict.fields['runtime_data_sha256']).toBeUndefined()
  })

  it('may quote a few registers, and an index without padding', () => {
    const verdict = judge(
      snpEvidence({ quote: { indices: [0, 7, 14] }, hcl: { trailing: new Uint8Array(0) } }),
    )
    expect(verdict).toMatchObject({ acceptable: true, fields: { tpm_quote: { pcrs: 3 } } })
    expect(Object.keys(verdict.fields['pcr_values'] as object)).toEqual(['0', '7', '14'])
  })

  it('may have members in its configuration that nobody knows yet', () => {
    const wanted = { configuration: { 'hardware-sealing-policy': 'none' }, more: { other: [1] } }
    expect(judge(snpEvidence(wanted)).acceptable).toBe(true)
  })

  it('is compared with nothing where nothing is expected, which its step says', () => {
    const input = { evidence: snpEvidence(), collateral: { chain: chip.collateral['chain']! }, at: FAKE_NOW }
    const verdict = verifyAzureCvm(input, roots)
    expect(verdict.acceptable).toBe(true)
    expect(verdict.steps.find(({ name }) => name === 'azure-cvm.nonce')?.status).toBe('skipped')
  })
})

describe('evidence that is not authentic', () => {
  const refused: [what: string, wanted: Wanted, step: string, of: Reason][] = [
    [
      'whose report covers other runtime data',
      { reportData: new Uint8Array(64) },
      'azure-cvm.runtime-data-binding',
      'binding',
    ],
    [
      'with a quote of another key',
      { quote: { signWith: stranger } },
      'azure-cvm.quote-signature',
      'signature',
    ],
    [
      'with an attestation key that nobody signed with',
      { runtimeData: fakeRuntimeData(stranger) },
      'azure-cvm.quote-signature',
      'signature',
    ],
    [
      'with registers that were not quoted',
      { quote: { pcrDigest: new Uint8Array(32) } },
      'azure-cvm.pcr-digest',
      'binding',
    ],
    ['with a certification instead of a quote', { quote: { type: 0x8017 } }, 'azure-cvm.quote', 'malformed'],
    ['with bytes that no TPM made', { quote: { magic: 0 } }, 'azure-cvm.quote', 'malformed'],
    ['with registers of SHA-1', { quote: { bank: 4 } }, 'azure-cvm.pcr-selection', 'algorithm'],
    ['with registers of another length', { quote: { bank: 12 } }, 'azure-cvm.pcr-selection', 'malformed'],
    ['of version 2 with a report for another request', { version: 2 }, 'azure-cvm.user-data', 'binding'],
  ]
  it.each(refused)('%s is refused', (_what, wanted, step, of) => {
    const verdict = judge(snpEvidence(wanted))
    expect(failures(verdict)).toContainEqual([step, of])
    expect(verdict).toMatchObject({ authentic: false, acceptable: false, reason: of })
  })

  it('with something behind the hash in REPORTDATA is refused', () => {
    const runtimeData = fakeRuntimeData(vtpm.key)
    const sound = judge(snpEvidence({ runtimeData })).fields['report_data'] as string
    const reportData = Uint8Array.from(Buffer.from(sound, 'hex')).with(63, 1)
    const verdict = judge(snpEvidence({ runtimeData, reportData }))
    expect(verdict).toMatchObject({ authentic: false, reason: 'binding', fields: { binds: false } })
  })

  it.each<[string, Uint8Array]>([
    ['another nonce', new Uint8Array(48)],
    ['nothing', new Uint8Array(0)],
    ['the beginning of the nonce', nonce.subarray(0, 32)],
    ['the nonce and more', concat(nonce, new Uint8Array(16))],
  ])('that should be bound to %s is refused', (_what, expectedReportData) => {
    const verdict = judge(snpEvidence(), { expectedReportData })
    expect(verdict).toMatchObject({ authentic: false, reason: 'binding' })
    expect(failures(verdict)).toEqual([['azure-cvm.nonce', 'binding']])
  })

  it('of a TPM whose registers cannot be forged by giving values of its own', () => {
    const other = fakeVtpm()
    const verdict = judge(snpEvidence({ quote: { change: () => other.quote(nonce).message } }))
    expect(verdict.authentic).toBe(true)
    const quote = other.quote(nonce)
    expect(judge(snpEvidence({ quote: { change: () => quote.message, signWith: other.key } })).reason).toBe(
      'signature',
    )
  })

  it('whose hardware report is of another chip or signed by another is refused by that step', () => {
    const [other, fake] = [amd.chip(), snpEvidence({ members: { vcek: amd.chip().leaf.der } })]
    expect(failures(judge(fake))).toContainEqual(['sev-snp.signature', 'signature'])
    expect(judge(snpEvidence({ report: { chipId: other.chipId } }))).toMatchObject({
      authentic: false,
      reason: 'certificate-binding',
    })
  })

  it('lacks the quote when it is an HCL report alone', () => {
    const verdict = judge(utf8('HCLA'))
    expect(failures(verdict)).toContainEqual(['azure-cvm.hcl-report', 'malformed'])
    expect(failures(verdict)).toContainEqual(['azure-cvm.quote', 'collateral-missing'])
  })

  it('lacks the certificate of its chip, wherever it could stand', () => {
    const evidence = snpEvidence({ members: {} })
    expect(judge(evidence)).toMatchObject({ authentic: false, reason: 'collateral-missing' })
    expect(judge(evidence, { collateral: chip.collateral }).acceptable).toBe(true)
    expect(judge(snpEvidence(), { collateral: {} })).toMatchObject({
      authentic: false,
      reason: 'collateral-missing',
    })
  })
})

describe('a TDREPORT', () => {
  const tdx = (change: Parameters<typeof tdxEvidence>[0]) =>
    judge(tdxEvidence(change), { collateral: intelCollateral })

  it.each<[string, number]>([
    ['processor state', 264],
    ['module', 300],
    ['attributes', 512],
    ['MRTD', 528],
    ['RTMR3', 911],
    ['REPORTDATA', 128],
  ])('with another %s than was quoted is refused', (_what, at) => {
    const verdict = tdx({ report: (report) => void (report[at]! ^= 1) })
    expect(failures(verdict)).toContainEqual(['azure-cvm.td-report', 'binding'])
    expect(verdict).toMatchObject({ authentic: false, reason: 'binding' })
  })

  it.each<[string, number, Reason]>([
    ['covers other information', 40, 'binding'],
    ['is of another type', 0, 'malformed'],
    ['has a subtype', 1, 'malformed'],
    ['has reserved bytes in its type', 5, 'malformed'],
    ['has reserved bytes before its MAC', 200, 'malformed'],
    ['has reserved bytes behind the module', 500, 'malformed'],
  ])('that %s is refused', (_what, at, of) => {
    expect(failures(tdx({ report: (report) => void (report[at]! ^= 4) }))).toContainEqual([
      'azure-cvm.td-report',
      of,
    ])
  })

  it('is nothing when the quote is bound to something else', () => {
    const verdict = tdx({ quotedData: new Uint8Array(64).fill(1) })
    expect(failures(verdict)).toEqual([
      ['azure-cvm.td-report', 'binding'],
      [expect.stringMatching(/^tdx\./), 'binding'],
    ])
  })

  it('is nothing without its quote', () => {
    const document = JSON.parse(new TextDecoder().decode(tdxEvidence())) as Record<string, unknown>
    delete document['td_quote']
    const verdict = judge(utf8(JSON.stringify(document)), { collateral: intelCollateral })
    expect(verdict).toMatchObject({ authentic: false, reason: 'collateral-missing' })
  })
})

describe('the certificate of the attestation key', () => {
  const certificate = microsoft.certify(vtpm.key)
  const chain = { chain: chip.collateral['chain']! }
  const withPieces = (
    pieces: Record<string, Uint8Array>,
    more: Partial<EvidenceInput<AzureCvmPolicy>> = {},
  ) =>
    judge(snpEvidence(), {
      collateral: { ...chain, ...pieces },
      policy: { requireAkCertificate: true },
      ...more,
    })

  it.each<[string, Record<string, Uint8Array>]>([
    ['alone with its intermediate', { certificate, issuer: microsoft.intermediate }],
    [
      'with bytes after it',
      { certificate: concat(certificate, new Uint8Array(300).fill(0xff)), issuer: microsoft.intermediate },
    ],
    ['with the whole chain as PEM', { all: utf8(microsoft.chain), certificate }],
    [
      'among certificates of somebody else',
      { certificate, issuer: microsoft.intermediate, other: fakeVtpmAuthority().certify(stranger) },
    ],
  ])('%s is enough for a policy that demands it', (_what, pieces) => {
    expect(withPieces(pieces)).toMatchObject({ acceptable: true, fields: { ak_certificate: true } })
  })

  it.each<[string, Record<string, Uint8Array>, Reason]>([
    ['of another key', { certificate: microsoft.certify(stranger) }, 'certificate-binding'],
    ['of another Microsoft', { certificate: fakeVtpmAuthority().certify(vtpm.key) }, 'chain'],
    ['without its intermediate', { certificate, issuer: new Uint8Array(0) }, 'chain'],
    ['without a purpose', { certificate: microsoft.certify(vtpm.key, { purposes: null }) }, 'chain'],
    [
      'for another purpose',
      { certificate: microsoft.certify(vtpm.key, { purposes: ['1.3.6.1.5.5.7.3.1'] }) },
      'chain',
    ],
    ['that has expired', { certificate: microsoft.certify(vtpm.key, { notAfter: FAKE_NOW - 1 }) }, 'expired'],
    [
      'with an unknown critical extension',
      {
        certificate: microsoft.certify(vtpm.key, {
          extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }],
        }),
      },
      'chain',
    ],
  ])('%s is refused, demanded or not', (_what, pieces, of) => {
    const collateral = { issuer: microsoft.intermediate, ...pieces }
    if (collateral.issuer.length === 0) delete (collateral as Partial<typeof collateral>).issuer
    for (const policy of [{}, { requireAkCertificate: true }]) {
      const verdict = withPieces(collateral, { policy })
      expect(failures(verdict)).toContainEqual(['azure-cvm.ak-certificate', of])
      expect(verdict).toMatchObject({ authentic: false, reason: of, fields: { ak_certificate: false } })
    }
  })

  it('is missing where a policy demands it', () => {
    expect(withPieces({})).toMatchObject({ authentic: true, acceptable: false, reason: 'collateral-missing' })
  })
})
