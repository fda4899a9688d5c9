import { describe, expect, it } from 'vitest'
import { fromUtf8, toBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import { type FakeDevice, fakeNvidia } from '@sotto/testkit/nvidia'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import { failures } from './vectors.ts'
import { judge, NONCE, rims, vendor, type Wanted } from './judge-devices.ts'

const listOf = (devices: FakeDevice[], arch = 'HOPPER'): Uint8Array =>
  utf8(
    JSON.stringify(
      devices.map((device) => ({
        arch,
        certificate: toBase64(device.chain),
        evidence: toBase64(device.report()),
        nonce: toHex(NONCE),
      })),
    ),
  )

describe('a list of devices', () => {
  const others = [vendor.device(), vendor.device()]
  const judgeList = (evidence: Uint8Array, input: Wanted = {}): EvidenceVerdict =>
    judge({ evidence, collateral: rims, ...input })

  it('is accepted when each of them is', () => {
    expect(judgeList(listOf(others), { expectedReportData: NONCE })).toMatchObject({
      acceptable: true,
      fields: { devices: 2, distinct_reports: 2, signatures: [true, true], nonce: toHex(NONCE) },
    })
  })

  it('is refused when one of them is of another vendor', () => {
    const { steps } = judgeList(listOf([others[0]!, fakeNvidia().device()]))
    expect(steps.find(({ name }) => name === 'nvidia.chain')).toMatchObject({
      status: 'fail',
      reason: expect.stringMatching(/^device 2:/),
    })
  })

  it('is refused when one of them runs other firmware', () => {
    const odd = vendor.device({ measurements: vendor.measurements.toSpliced(7, 1, new Uint8Array(48)) })
    const { steps } = judgeList(listOf([...others, odd]))
    expect(steps.find(({ name }) => name === 'nvidia.measurements')).toMatchObject({
      class: 'measurement',
      reason: expect.stringMatching(/^device 3:/),
    })
  })

  it('does not count a device twice', () => {
    const [device] = others
    expect(failures(judgeList(listOf([device!, device!])))).toEqual(['nvidia.distinct hardware'])
    const copies = JSON.parse(fromUtf8(listOf([device!]))) as object[]
    expect(failures(judgeList(utf8(JSON.stringify([...copies, ...copies]))))).toEqual([
      'nvidia.distinct hardware',
    ])
  })

  it('does not count a device twice whose firmware changed, though it signs with another key', () => {
    const [device] = others
    const updated = vendor.device({ sameAs: device! })
    expect(failures(judgeList(listOf([device!, updated])))).toEqual(['nvidia.distinct hardware'])
    const { fields } = judgeList(listOf(others))
    expect(fields['gpu_ids']).toEqual(
      others.map(() => [expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^\d+$/)]),
    )
  })

  it('needs the manifests of every device', () => {
    const other = vendor.device({ driverVersion: '570.86.10' })
    expect(failures(judgeList(listOf([...others, other])))).toEqual(['nvidia.references collateral-missing'])
  })

  it.each<[string, (entry: Record<string, unknown>) => object | undefined]>([
    ['of another kind than written beside it', (entry) => ({ ...entry, arch: 'BLACKWELL' })],
    ['with an unknown kind', (entry) => ({ ...entry, arch: 'AMPERE' })],
    ['with an unknown member', (entry) => ({ ...entry, trusted: true })],
    ['without a certificate', (entry) => ({ ...entry, certificate: undefined })],
    ['whose report is not base64', (entry) => ({ ...entry, evidence: '***' })],
    ['that is no object', () => undefined],
  ])('is malformed with one %s', (_what, edit) => {
    const [entry] = JSON.parse(fromUtf8(listOf([others[0]!]))) as Record<string, unknown>[]
    expect(judgeList(utf8(JSON.stringify([entry, edit(entry!)])))).toMatchObject({
      authentic: false,
      reason: 'malformed',
    })
  })

  it('answers the nonce that stands beside it', () => {
    const text = fromUtf8(listOf([others[0]!])).replace(toHex(NONCE), '00'.repeat(32))
    expect(judgeList(utf8(text))).toMatchObject({ authentic: false, reason: 'binding' })
  })

  it('is malformed when it is empty, too long or has a member twice', () => {
    const [entry] = JSON.parse(fromUtf8(listOf([others[0]!]))) as object[]
    const twice = fromUtf8(listOf([others[0]!])).replace('"arch":', '"arch":"HOPPER","arch":')
    for (const text of ['[]', twice, JSON.stringify(Array.from({ length: 33 }, () => entry)), '{}', '[{]'])
      expect(judgeList(utf8(text))).toMatchObject({ authentic: false, reason: 'malformed' })
  })
})
