import { describe, expect, it } from 'vitest'
import { toBase64, toHex, utf8 } from '@sotto/protocol/bytes'
import { fakeAmd } from '@sotto/testkit/snp'
import { fakeIntel } from '@sotto/testkit/vendor-services'
import { collateralNeeds } from '../../src/collateral/index.ts'

const amd = fakeAmd()
const intel = fakeIntel()
const unsaid = expect.objectContaining({ code: 'COLLATERAL_EVIDENCE', action: 'fix-input' })
const snp = (evidence: Uint8Array, collateral = {}): ReturnType<typeof collateralNeeds> =>
  collateralNeeds({ family: 'sev-snp', evidence, collateral })

describe('an SNP report needs', () => {
  it('the certificate of its chip at its firmware level', () => {
    const chip = amd.chip({ product: 'milan' })
    expect(snp(chip.report())).toEqual([
      {
        kind: 'amd-vcek',
        product: 'milan',
        hwid: toHex(chip.chipId),
        tcb: { bl: 4, tee: 3, snp: 24, ucode: 219 },
      },
    ])
  })

  it('8 bytes of CHIP_ID and another order of levels for Turin', () => {
    const chip = amd.chip({ product: 'turin', tcb: Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 5) })
    expect(snp(chip.report())).toEqual([
      {
        kind: 'amd-vcek',
        product: 'turin',
        hwid: toHex(chip.chipId.subarray(0, 8)),
        tcb: { fmc: 1, bl: 2, tee: 3, snp: 4, ucode: 5 },
      },
    ])
  })

  it('one product after the other where it does not name its own', () => {
    const [need] = snp(amd.chip().report({ version: 2 }))
    expect(need).toMatchObject({ product: 'milan', otherwise: { product: 'genoa' } })
  })

  it('what is above a VLEK, which only cloud providers get', () => {
    const chip = amd.chip({ kind: 'VLEK', product: 'genoa' })
    expect(snp(chip.report())).toEqual([
      { kind: 'amd-chain', key: 'vlek', product: 'genoa' },
      { kind: 'amd-crl', key: 'vlek', product: 'genoa' },
    ])
  })

  it('no certificate that came along, in DER or PEM, with anything else beside it', () => {
    const chip = amd.chip({ product: 'genoa' })
    const rest = [
      { kind: 'amd-chain', key: 'vcek', product: 'genoa' },
      { kind: 'amd-crl', key: 'vcek', product: 'genoa' },
    ]
    const noise = { a: utf8('text'), b: Uint8Array.of(0x30, 0x80), c: new Uint8Array(0) }
    expect(snp(chip.report({ version: 2 }), { ...noise, z: chip.leaf.der })).toEqual(rest)
    expect(snp(chip.report(), { ...noise, ...chip.collateral, leaf: utf8(chip.leaf.pem) })).toEqual(rest)
  })

  it('what nobody can know where it hides its chip, or names a product not known here', () => {
    const chip = amd.chip()
    expect(() => snp(chip.report({ keyFlags: 2 }))).toThrow(unsaid)
    expect(() => snp(chip.report({ keyFlags: 7 << 2 }))).toThrow(unsaid)
    expect(() => snp(chip.report({ cpuid: [0x1b, 0, 0] }))).toThrow(unsaid)
  })
})

describe('an Intel quote needs', () => {
  it.each(['sgx', 'tdx'] as const)('documents and CRLs by its PCK certificate (%s)', (tee) => {
    const evidence = intel.quote(tee, { fmspc: '00606a000000', ca: 'processor' })
    expect(collateralNeeds({ family: tee, evidence, collateral: {} })).toEqual([
      { kind: 'intel-tcb-info', tee, fmspc: '00606a000000' },
      { kind: 'intel-qe-identity', tee },
      { kind: 'intel-pck-crl', ca: 'processor' },
      { kind: 'intel-root-crl' },
    ])
  })

  it('what nobody can know without its PCK certificate', () => {
    const evidence = intel.quote('tdx', { fmspc: '00606a000000', ca: 'platform' })
    const text = new TextDecoder('latin1').decode(evidence)
    const damaged = evidence.slice()
    damaged[text.indexOf('-----BEGIN')] = 0x20
    expect(() => collateralNeeds({ family: 'tdx', evidence: damaged, collateral: {} })).toThrow(unsaid)
  })
})

describe('other evidence needs', () => {
  it.each(['nitro', 'gcp-confidential-space', 'azure-maa'] as const)('nothing: %s', (family) => {
    expect(collateralNeeds({ family, evidence: Uint8Array.of(1), collateral: {} })).toEqual([])
  })

  it('the keys of the service for a token of NVIDIA', () => {
    for (const text of ['["eyJhbGciOiJFUzM4NCJ9.e30.AA"]', ' [["JWT","eyJ"],{"GPU-0":"eyJ"}]'])
      expect(collateralNeeds({ family: 'nvidia', evidence: utf8(text), collateral: {} })).toEqual([
        { kind: 'nvidia-jwks' },
      ])
  })

  it.each<[Parameters<typeof collateralNeeds>[0]['family'], Uint8Array]>([
    ['sev-snp', new Uint8Array(1183)],
    ['tdx', new Uint8Array(500)],
    ['sgx', new Uint8Array(0)],
    ['nvidia', Uint8Array.of(0x11, 0xe0)],
    ['nvidia', utf8(`[{"evidence":"${toBase64(new Uint8Array(3))}"}]`)],
    ['azure-cvm', utf8('HCLA')],
    ['azure-cvm', utf8('{}')],
  ])('nothing when it is malformed, but says so: %s', (family, evidence) => {
    expect(() => collateralNeeds({ family, evidence, collateral: {} })).toThrow(
      expect.objectContaining({ name: 'SottoError', action: 'fix-input' }),
    )
  })
})
