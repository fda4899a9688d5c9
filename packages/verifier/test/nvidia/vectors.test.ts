import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromBase64, fromUtf8 } from '@sotto/protocol/bytes'
import {
  nrasCertificateFields,
  nvidiaRoots,
  parseDevice,
  parseDeviceEvidence,
  rimIds,
  verifyNrasCertificates,
  verifyNvidia,
} from '@sotto/verifier/nvidia'
import { failures, folder, inputOf, judge, loadVectors, present, vector, without } from './vectors.ts'

/** Members that are no fields: results, remarks, and the policy. */
const REMARKS = ['strict_policy_result', 'reject_reason', 'verify_at', 'ocsp', 'policy', 'submods_digest']
/** What the sentences about refusals mean. */
const REASONS: readonly [RegExp, string][] = [
  [/expired/, 'expired'],
  [/nonce/, 'binding'],
  [/staging/, 'issuer'],
  [/certificate chain/, 'chain'],
  [/reference digest$/, 'collateral-invalid'],
  [/signature|SignatureValue|digest/i, 'signature'],
]

const evidence = loadVectors().filter(({ pieces }) => !('x5c.json' in pieces))

describe.skipIf(!present)('real evidence (skipped: SOTTO_VECTORS has no attestation/nvidia)', () => {
  it.each(evidence)('$name: verdict and reason', (one) => {
    const { authentic, acceptable, reason } = judge(one)
    const { strict_policy_result: result, reject_reason: sentence } = one.expect
    if (result.startsWith('accept'))
      expect({ authentic, acceptable, reason }).toEqual({ authentic: true, acceptable: true, reason: null })
    else if (result.startsWith('signature/chain valid'))
      expect({ authentic, acceptable, reason }).toEqual({
        authentic: true,
        acceptable: false,
        reason: 'collateral-missing',
      })
    else {
      const expected = REASONS.find(([pattern]) => pattern.test(sentence!))![1]
      expect({ authentic, acceptable, reason }).toEqual({
        authentic: false,
        acceptable: false,
        reason: expected,
      })
    }
  })

  it.each(evidence)('$name: fields', (one) => {
    const { fields } = judge(one)
    const expected = Object.entries(one.expect).filter(([name]) => !REMARKS.includes(name))
    expect(fields).toMatchObject(Object.fromEntries(expected))
  })

  it.each(evidence)('$name: names and order of pieces do not matter', (one) => {
    const renamed = Object.entries(one.pieces)
      .toReversed()
      .map(([, bytes], i) => [`piece-${i}`, bytes] as const)
    const [a, b] = [judge(one), judge({ ...one, pieces: Object.fromEntries(renamed) })]
    expect(b).toEqual(a)
  })

  it.each(evidence)('$name: without any one piece, nothing is accepted that was not', (one) => {
    const { acceptable } = judge(one)
    const input = inputOf(one)
    for (const name of Object.keys(input.collateral)) {
      const rest = verifyNvidia({ ...input, collateral: without(input.collateral, name) })
      expect(rest.acceptable && !acceptable, name).toBe(false)
      if (/^(?:driver|vbios|bios)_rim|chain/.test(name))
        expect(rest, name).toMatchObject({ acceptable: false })
    }
  })

  it.each(['driver_rim.xml', 'vbios_rim.xml'])('without %s it is authentic, and no more', (name) => {
    const input = inputOf(vector('/h100-550.90.07-full'))
    const verdict = verifyNvidia({ ...input, collateral: without(input.collateral, name) })
    expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'collateral-missing' })
    expect(failures(verdict)).toEqual(['nvidia.references collateral-missing'])
  })

  it('one bit in a measurement shows twice: nobody signed it, and it is no reference value', () => {
    expect(failures(judge(vector('__measurement-bit')))).toEqual([
      'nvidia.signature signature',
      'nvidia.measurements measurement',
    ])
  })

  it('Protected PCIe is refused, unless the policy allows it', () => {
    const one = vector('/hopper-evidence-590.12')
    expect(failures(judge(one))).toContain('nvidia.interconnect guest-policy')
    expect(failures(judge(one, { allowProtectedPcie: true }))).toEqual([
      'nvidia.references collateral-missing',
    ])
  })

  it('the names of manifests are those of the service', () => {
    const ids = (part: string): string[] => {
      const { evidence: bytes, collateral } = inputOf(vector(part))
      return rimIds(parseDevice(parseDeviceEvidence(bytes)[0]!, collateral['cert_chain.pem']!))
    }
    expect(ids('/h100-550.90.07-full')).toEqual([
      'NV_GPU_DRIVER_GH100_550.90.07',
      'NV_GPU_VBIOS_1010_0200_882_96009F0001',
    ])
    expect(ids('/b100-575.32')).toEqual([
      'NV_GPU_CC_DRIVER_GB100_575.32',
      'NV_GPU_VBIOS_G525_0220_886_970088000F',
    ])
    expect(ids('/ls10-9610550001-full')).toEqual(['NV_SWITCH_BIOS_5612_0002_890_9610550001'])
  })

  it('the verdict ends with the OCSP responses, or with the manifests', () => {
    const input = inputOf(vector('/h100-550.90.07-full'))
    expect(verifyNvidia(input).validUntil).toBe(Date.parse('2025-08-22T06:47:07Z') / 1000)
    const rims = Object.fromEntries(
      Object.entries(input.collateral).filter(([name]) => !name.startsWith('ocsp')),
    )
    expect(verifyNvidia({ ...input, collateral: rims }).validUntil).toBe(
      Date.parse('2026-02-22T23:17:58Z') / 1000,
    )
  })

  it('a key of NRAS leads to a pinned authority', () => {
    const { pieces, at, expect: expected } = vector('/nras-jwks-x5c')
    const { x5c } = JSON.parse(fromUtf8(pieces['x5c.json']!)) as { x5c: string[] }
    const certificates = x5c.map(fromBase64)
    expect(verifyNrasCertificates(certificates, at, nvidiaRoots()).chain).toHaveLength(2)
    expect(nrasCertificateFields(certificates)).toMatchObject({
      subjects: expected['subjects'],
      leaf_valid: expected['leaf_valid'],
    })
    const refused = (list: Uint8Array[], time: number, of: string): void =>
      expect(() => verifyNrasCertificates(list, time, nvidiaRoots())).toThrow(
        expect.objectContaining({ class: of }),
      )
    refused(certificates.slice(0, 1), at, 'chain')
    refused(certificates.slice(1), at, 'chain')
    refused(certificates.toReversed(), at, 'chain')
    refused(certificates, at + 7 * 86_400, 'expired')
  })

  it('the pinned roots are those of the collection', () => {
    const read = (name: string): X509Certificate[] =>
      readFileSync(join(folder, '../roots', name), 'utf8')
        .split(/(?=-----BEGIN)/)
        .filter((pem) => pem.startsWith('-----BEGIN'))
        .map((pem) => new X509Certificate(pem))
    const { devices, referenceManifests, nrasAuthorities } = nvidiaRoots()
    expect(devices.map(({ der }) => Buffer.from(der))).toEqual(
      read('nvidia_device_identity_root.pem').map(({ raw }) => raw),
    )
    expect(referenceManifests.map(({ der }) => Buffer.from(der))).toEqual(
      read('nvidia_rim_root.pem').map(({ raw }) => raw),
    )
    for (const { raw } of read('nvidia_nras_root.pem'))
      expect(nrasAuthorities).toContain(createHash('sha256').update(raw).digest('hex'))
  })
})

describe.skipIf(!present)(
  'recorded OCSP responses (skipped: SOTTO_VECTORS has no attestation/nvidia)',
  () => {
    const full = vector('/h100-550.90.07-full')
    /** When those about manifests were recorded; those about the device were two months before. */
    const october = Date.parse('2025-10-24T12:00:00Z') / 1000

    it('count on the day they were recorded', () => {
      expect(judge(full)).toMatchObject({ acceptable: true })
      expect(judge({ ...full, at: october })).toMatchObject({ acceptable: true })
      const found = (at: number): string | undefined =>
        judge({ ...full, at }).steps.find(({ name }) => name === 'nvidia.ocsp')?.found
      // Three of the device; of the manifests two leaves, and two authorities that both have.
      expect(found(full.at)).toMatch(/^3 current, 4 of another time/)
      expect(found(october)).toMatch(/^6 current, 3 of another time/)
    })

    it('are no pass on another day where they are required', () => {
      for (const at of [full.at, october]) {
        const verdict = judge({ ...full, at }, { requireOcsp: true })
        expect(verdict).toMatchObject({ authentic: true, acceptable: false })
        expect(failures(verdict)).toEqual(['nvidia.revocation-status collateral-missing'])
      }
    })

    it('do not pass with one of them left out: it may be the one that revokes', () => {
      const input = inputOf(full)
      const verdict = verifyNvidia({
        ...input,
        collateral: without(input.collateral, 'ocsp_gpu_certificate_l3.der'),
      })
      expect(failures(verdict)).toEqual(['nvidia.revocation-status collateral-missing'])
      const late = { ...input, at: october }
      const other = verifyNvidia({ ...late, collateral: without(input.collateral, 'ocsp_gpu_vbios_l4.der') })
      expect(failures(other)).toEqual(['nvidia.revocation-status collateral-missing'])
    })

    it('are refused when they are about certificates of another device', () => {
      const input = inputOf(vector('/ls10-9610550001-full'))
      const stray = full.pieces['ocsp_gpu_certificate_l4.der']!
      expect(failures(verifyNvidia({ ...input, collateral: { ...input.collateral, stray } }))).toEqual([
        'nvidia.ocsp collateral-invalid',
      ])
    })
  },
)
