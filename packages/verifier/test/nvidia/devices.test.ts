import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { FAKE_NOW, fakeRoot } from '@sotto/testkit/x509'
import { FAKE_OPAQUE, type FakeDevice, fakeNvidia } from '@sotto/testkit/nvidia'
import type { Collateral } from '@sotto/verifier/family'
import { type NvidiaPolicy, nvidiaPolicyDecoder } from '@sotto/verifier/nvidia'
import { failures } from './vectors.ts'
import { h100, judge, NONCE, rims, vendor } from './judge-devices.ts'

const judgeReport = (...options: Parameters<FakeDevice['report']>): string[] =>
  failures(judge({ evidence: h100.report(...options) }))

describe('a GPU', () => {
  it('is accepted with its manifests', () => {
    expect(judge()).toMatchObject({ authentic: true, acceptable: true, reason: null })
    expect(judge().trustedParties).toEqual([expect.stringContaining('NVIDIA')])
  })

  it('whose report another key signed is refused', () => {
    expect(judgeReport({ signWith: fakeRoot({ curve: 'P-384' }).key.privateKey })).toEqual([
      'nvidia.signature signature',
    ])
  })

  it('of another vendor is refused, whatever its certificates call themselves', () => {
    const device = fakeNvidia().device()
    const { steps, authentic } = judge({ device })
    expect(authentic).toBe(false)
    expect(steps.find(({ name }) => name === 'nvidia.chain')).toMatchObject({
      status: 'fail',
      class: 'chain',
    })
  })

  it.each<[string, string, () => Uint8Array]>([
    ['without its root', '', () => chainOf(h100.certificates.slice(0, -1))],
    ['without an authority', 'nvidia.chain chain', () => chainOf(h100.certificates.toSpliced(2, 1))],
    ['in another order', 'nvidia.certificates hardware', () => chainOf(h100.certificates.toReversed())],
    ['of another device', 'nvidia.signature signature', () => vendor.device().chain],
    ['that is not PEM', 'nvidia.certificates malformed', () => utf8('----- no')],
  ])('with a chain %s: %s', (_what, refusal, chain) => {
    const found = failures(judge({ collateral: { chain: chain(), ...rims } }))
    if (refusal === '') expect(found).toEqual([])
    else expect(found).toContain(refusal)
  })

  it('without a chain, or with two, lacks collateral', () => {
    expect(judge({ collateral: rims })).toMatchObject({ authentic: false, reason: 'collateral-missing' })
    expect(judge({ collateral: { a: h100.chain, b: h100.chain, ...rims } })).toMatchObject({
      authentic: false,
    })
  })

  it('is refused when its certificates are not valid yet, or no more', () => {
    for (const at of [FAKE_NOW - 2 * 31_536_000, FAKE_NOW + 2 * 31_536_000, Number.NaN])
      expect(judge({ at })).toMatchObject({ authentic: false, reason: 'expired' })
  })

  it('answers the nonce that was expected, and no other', () => {
    expect(judge({ expectedReportData: NONCE })).toMatchObject({ acceptable: true })
    expect(judge()).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ name: 'nvidia.nonce', status: 'skipped' })]),
    })
    for (const expected of [new Uint8Array(32), new Uint8Array(0), NONCE.subarray(1), new Uint8Array(64)])
      expect(failures(judge({ expectedReportData: expected }))).toEqual(['nvidia.nonce binding'])
  })

  it('runs the firmware that its key is certified for', () => {
    const wrong = vendor.device({ certifiedFwid: new Uint8Array(48) })
    expect(failures(judge({ device: wrong }))).toEqual(['nvidia.firmware-id certificate-binding'])
    const none = vendor.device({ leafExtensions: [] })
    expect(failures(judge({ device: none }))).toEqual(['nvidia.firmware-id certificate-binding'])
    const old = { [FAKE_OPAQUE.FWID]: undefined }
    expect(judge({ evidence: h100.report({ opaque: old }) })).toMatchObject({
      acceptable: true,
      fields: { fwid: '', fwid_matches_leaf_dice_ext: null },
    })
  })

  it('that is certified for the firmware of another generation is refused', () => {
    const hopper = vendor.device()
    const device = vendor.device({
      chip: 'GB100',
      leafExtensions: [
        {
          oid: '2.23.133.5.4.1',
          value: hopper.certificates[0]!.certificate.extensions.get('2.23.133.5.4.1')!.value,
        },
      ],
    })
    expect(failures(judge({ device }))).toContain('nvidia.firmware-id certificate-binding')
  })

  it('that hides its driver is no switch', () => {
    expect(
      judgeReport({
        opaque: {
          [FAKE_OPAQUE.DRIVER_VERSION]: undefined,
          [FAKE_OPAQUE.VBIOS_VERSION]: utf8('96.00.9F.00.01'),
        },
      }),
    ).toContain('nvidia.certificates malformed')
  })

  it('whose key names another chip than NVIDIA certified is refused', () => {
    const device = vendor.device({ chip: 'LS_10', issuerChip: 'GH100', vbiosVersion: '96.00.9F.00.01' })
    expect(judge({ device })).toMatchObject({ authentic: false, reason: 'hardware' })
    expect(judge({ device: vendor.device({ chip: 'GX100' }) })).toMatchObject({
      authentic: false,
      reason: 'hardware',
    })
  })

  it('of Blackwell has its own extension, and says when it is in debug mode', () => {
    const versions = { chip: 'GB100', driverVersion: '590.48.01', vbiosVersion: '97.00.D9.00.35' }
    const golden = (index: number) => new Map([[index, [vendor.measurements[index]!]]])
    const collateral = (device: FakeDevice): Collateral => ({
      chain: device.chain,
      driver: vendor.rim({ product: 'GB100', version: versions.driverVersion, golden: golden(9) }),
      vbios: vendor.rim({ product: 'GB100', version: versions.vbiosVersion, golden: golden(1) }),
    })
    const device = vendor.device(versions)
    expect(judge({ device, collateral: collateral(device) })).toMatchObject({
      acceptable: true,
      fields: { architecture: 'blackwell' },
    })
    const debug = vendor.device({ ...versions, operationalFlags: Uint8Array.of(0, 0x90, 0, 0, 1) })
    expect(failures(judge({ device: debug, collateral: collateral(debug) }))).toEqual(['nvidia.debug debug'])
    expect(
      judge({ device: debug, collateral: collateral(debug), policy: { allowDevtools: true } }),
    ).toMatchObject({ acceptable: true })
  })
})

describe('a policy', () => {
  const refusalOf = (policy: NvidiaPolicy, evidence?: Uint8Array): string[] =>
    failures(judge({ policy, ...(evidence && { evidence }) }))

  it('names kinds of devices', () => {
    expect(refusalOf({ architectures: ['hopper'] })).toEqual([])
    expect(refusalOf({ architectures: ['blackwell', 'ls10'] })).toEqual(['nvidia.architecture hardware'])
  })

  it('names devices', () => {
    expect(refusalOf({ devices: [h100.name] })).toEqual([])
    expect(refusalOf({ devices: ['NVIDIA:GH100:0000000000000000'] })).toEqual(['nvidia.device hardware'])
  })

  it('asks for a driver, number by number', () => {
    for (const minimumDriverVersion of ['550.90.07', '550.9.07', '550.90', '535.999'])
      expect(refusalOf({ minimumDriverVersion })).toEqual([])
    for (const minimumDriverVersion of ['550.90.08', '550.144', '551.1', '550.90.07.1'])
      expect(refusalOf({ minimumDriverVersion })).toEqual(['nvidia.driver-version tcb'])
  })

  it('names firmware', () => {
    expect(refusalOf({ vbiosVersions: ['96.00.9F.00.01'] })).toEqual([])
    expect(refusalOf({ vbiosVersions: ['96.00.9F.00.02'] })).toEqual(['nvidia.vbios-version tcb'])
  })

  it('allows Protected PCIe only when it says so, and modes that nobody knows never', () => {
    const mode = (value: number): Uint8Array =>
      h100.report({ opaque: { [FAKE_OPAQUE.FEATURE_FLAG]: Uint8Array.of(value, 0) } })
    const status = h100.report({ opaque: { [FAKE_OPAQUE.PROTECTED_PCIE_STATUS]: Uint8Array.of(0xaa) } })
    for (const evidence of [mode(2), status]) {
      expect(refusalOf({}, evidence)).toEqual(['nvidia.interconnect guest-policy'])
      expect(refusalOf({ allowProtectedPcie: true }, evidence)).toEqual([])
    }
    expect(refusalOf({}, mode(1))).toEqual([])
    expect(refusalOf({ allowProtectedPcie: true }, mode(3))).toEqual(['nvidia.interconnect guest-policy'])
  })

  it('is read strictly', () => {
    const key = { kty: 'EC', crv: 'P-384', kid: 'a', x: 'A'.repeat(64), y: 'A'.repeat(64), alg: 'ES384' }
    const whole = {
      architectures: ['hopper'],
      devices: ['a'],
      minimumDriverVersion: '550.90.07',
      vbiosVersions: ['96.00.9F.00.01'],
      allowProtectedPcie: false,
      allowDevtools: false,
      requireOcsp: true,
      nrasKeys: [key],
    }
    expect(nvidiaPolicyDecoder(whole, 'policy')).toEqual(whole)
    expect(nvidiaPolicyDecoder({}, 'policy')).toEqual({})
    for (const wrong of [
      { allowDebug: true },
      { architectures: [] },
      { architectures: ['ampere'] },
      { devices: [] },
      { minimumDriverVersion: 'newest' },
      { vbiosVersions: ['96.00.9f.00.01'] },
      { requireOcsp: 1 },
      { nrasKeys: [{ ...key, crv: 'P-256' }] },
      { nrasKeys: [{ ...key, alg: 'none' }] },
      { nrasKeys: [{ ...key, d: 'A' }] },
      null,
    ])
      expect(() => nvidiaPolicyDecoder(wrong, 'policy')).toThrow(
        expect.objectContaining({ code: 'JCS_FIELD' }),
      )
  })
})

function chainOf(certificates: readonly { pem: string }[]): Uint8Array {
  return utf8(certificates.map(({ pem }) => pem).join(''))
}
