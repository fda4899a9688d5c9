import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { below, resolveEndpoints, VENDOR_ENDPOINTS } from '../../src/collateral/endpoints.ts'
import { amdChainUrl, amdCrlUrl, amdVcekUrl, azureAmdUrl } from '../../src/collateral/sources/amd-urls.ts'
import {
  intelPckCrlUrl,
  intelQeIdentityUrl,
  intelRootCrlUrl,
  intelTcbInfoUrl,
  pccsRootCrlUrl,
} from '../../src/collateral/sources/intel-urls.ts'
import { nvidiaJwksUrl, nvidiaRimUrl } from '../../src/collateral/sources/nvidia-urls.ts'
import type { AmdProduct, AmdTcb } from '../../src/collateral/types.ts'

const RUNS = process.env['SLOW'] ? 2000 : 100
const { amdKds, intelPcs, intelCertificates, azureThim, azureMetadata, nvidiaRim, nvidiaNras } =
  resolveEndpoints()
const refused = (code: string): unknown => expect.objectContaining({ code, action: 'fix-input' })

describe('addresses of AMD KDS (AMD 57230, chapter 4)', () => {
  // GET vcek/v1/{product_name}/{hwid}?{parameters}; a request that KDS answered, from a public log of 2024.
  it('names a chip and its levels as a request that KDS answered did', () => {
    const hwid =
      '2ba5395d906e01b34155c4dcfa440a744ec18afde6948810230fc05e20521d58935d3895ca2a52d87159daa06a178fdbbbb67eb8150627cfe4cd80e05df2e885'
    expect(amdVcekUrl(amdKds, 'genoa', hwid, { bl: 8, tee: 0, snp: 16, ucode: 68 }).href).toBe(
      `https://kdsintf.amd.com/vcek/v1/Genoa/${hwid}?blSPL=08&teeSPL=00&snpSPL=16&ucodeSPL=68`,
    )
  })

  it('has fmcSPL first and 8 bytes of CHIP_ID for Turin', () => {
    expect(
      amdVcekUrl(amdKds, 'turin', 'cdcdcdcdcdcdcdcd', { fmc: 3, bl: 1, tee: 2, snp: 4, ucode: 5 }).href,
    ).toBe(
      'https://kdsintf.amd.com/vcek/v1/Turin/cdcdcdcdcdcdcdcd?fmcSPL=03&blSPL=01&teeSPL=02&snpSPL=04&ucodeSPL=05',
    )
  })

  it.each([
    [amdChainUrl(amdKds, 'vcek', 'milan'), 'https://kdsintf.amd.com/vcek/v1/Milan/cert_chain'],
    [amdChainUrl(amdKds, 'vlek', 'genoa'), 'https://kdsintf.amd.com/vlek/v1/Genoa/cert_chain'],
    [amdCrlUrl(amdKds, 'vcek', 'turin'), 'https://kdsintf.amd.com/vcek/v1/Turin/crl'],
    [amdCrlUrl(amdKds, 'vlek', 'milan'), 'https://kdsintf.amd.com/vlek/v1/Milan/crl'],
    // Microsoft, "Trusted Hardware Identity Management", "How do I request collateral in a confidential virtual machine?".
    [azureAmdUrl(azureMetadata), 'http://169.254.169.254/metadata/THIM/amd/certification'],
  ])('%s', (url, expected) => expect(url.href).toBe(expected))

  const level = fc.integer({ min: 0, max: 255 })
  const hwid = (bytes: number): fc.Arbitrary<string> =>
    fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((chip) => Buffer.from(chip).toString('hex'))

  it('says every level in decimal, for any chip', () => {
    const tcb = fc.record({ bl: level, tee: level, snp: level, ucode: level })
    fc.assert(
      fc.property(fc.constantFrom<AmdProduct>('milan', 'genoa'), hwid(64), tcb, (product, chip, levels) => {
        const url = amdVcekUrl(amdKds, product, chip, levels)
        expect(url.pathname.split('/').at(-1)).toBe(chip)
        expect(
          Object.fromEntries([...url.searchParams].map(([name, value]) => [name, Number(value)])),
        ).toEqual({
          blSPL: levels.bl,
          teeSPL: levels.tee,
          snpSPL: levels.snp,
          ucodeSPL: levels.ucode,
        })
      }),
      { numRuns: RUNS },
    )
  })

  it.each<[string, AmdProduct, string, AmdTcb]>([
    [
      'Turin with the chip of another product',
      'turin',
      'ab'.repeat(64),
      { fmc: 1, bl: 1, tee: 1, snp: 1, ucode: 1 },
    ],
    ['Turin without fmc', 'turin', 'ab'.repeat(8), { bl: 1, tee: 1, snp: 1, ucode: 1 }],
    ['Milan with fmc', 'milan', 'ab'.repeat(64), { fmc: 1, bl: 1, tee: 1, snp: 1, ucode: 1 }],
    ['a chip in capitals', 'milan', 'AB'.repeat(64), { bl: 1, tee: 1, snp: 1, ucode: 1 }],
    ['a level out of range', 'milan', 'ab'.repeat(64), { bl: 256, tee: 1, snp: 1, ucode: 1 }],
    ['a level that is no number', 'milan', 'ab'.repeat(64), { bl: Number.NaN, tee: 1, snp: 1, ucode: 1 }],
  ])('refuses %s', (_what, product, chip, tcb) => {
    expect(() => amdVcekUrl(amdKds, product, chip, tcb)).toThrow(refused('COLLATERAL_EVIDENCE'))
  })
})

describe('addresses of Intel PCS (SGX and TDX services V4 API documentation)', () => {
  const base = 'https://api.trustedservices.intel.com'
  it.each([
    // "Get SGX TCB Info V4", example requests.
    [
      intelTcbInfoUrl(intelPcs, 'sgx', '00606a000000', 'early'),
      `${base}/sgx/certification/v4/tcb?fmspc=00606a000000&update=early`,
    ],
    [
      intelTcbInfoUrl(intelPcs, 'sgx', '00606a000000', 16),
      `${base}/sgx/certification/v4/tcb?fmspc=00606a000000&tcbEvaluationDataNumber=16`,
    ],
    // "Get TDX TCB Info V4"; update is standard by default.
    [
      intelTcbInfoUrl(intelPcs, 'tdx', 'b0c06f000000', 'standard'),
      `${base}/tdx/certification/v4/tcb?fmspc=b0c06f000000`,
    ],
    // "Enclave Identity V4".
    [intelQeIdentityUrl(intelPcs, 'sgx', 'standard'), `${base}/sgx/certification/v4/qe/identity`],
    [intelQeIdentityUrl(intelPcs, 'tdx', 'early'), `${base}/tdx/certification/v4/qe/identity?update=early`],
    [
      intelQeIdentityUrl(intelPcs, 'sgx', 16),
      `${base}/sgx/certification/v4/qe/identity?tcbEvaluationDataNumber=16`,
    ],
    // "Get Revocation List V4".
    [intelPckCrlUrl(intelPcs, 'platform'), `${base}/sgx/certification/v4/pckcrl?ca=platform&encoding=der`],
    [intelPckCrlUrl(intelPcs, 'processor'), `${base}/sgx/certification/v4/pckcrl?ca=processor&encoding=der`],
    // The CRL distribution point in every certificate of the root.
    [intelRootCrlUrl(intelCertificates), 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der'],
    // Microsoft, "Trusted Hardware Identity Management", collateral_service; PCCS reference, rootcacrl.
    [
      intelTcbInfoUrl(azureThim, 'tdx', '00806f050000', 'standard'),
      'https://global.acccache.azure.net/tdx/certification/v4/tcb?fmspc=00806f050000',
    ],
    [pccsRootCrlUrl(azureThim), 'https://global.acccache.azure.net/sgx/certification/v4/rootcacrl'],
  ])('%s', (url, expected) => expect(url.href).toBe(expected))

  it.each(['', '00606A000000', '00606a00000', '00606a000000&update=early', '../../../'])(
    'refuses the FMSPC "%s"',
    (fmspc) => {
      expect(() => intelTcbInfoUrl(intelPcs, 'sgx', fmspc, 'standard')).toThrow(
        refused('COLLATERAL_EVIDENCE'),
      )
    },
  )

  it.each([0, -1, 1.5, Number.NaN])('refuses the evaluation number %s', (number) => {
    expect(() => intelQeIdentityUrl(intelPcs, 'sgx', number)).toThrow(refused('COLLATERAL_EVIDENCE'))
  })
})

describe('addresses of NVIDIA', () => {
  it.each([
    // NVIDIA, "RIM service API", GET /v1/rim/{id}.
    [
      nvidiaRimUrl(nvidiaRim, 'NV_GPU_DRIVER_GH100_535.86.09'),
      'https://rim.attestation.nvidia.com/v1/rim/NV_GPU_DRIVER_GH100_535.86.09',
    ],
    [nvidiaJwksUrl(nvidiaNras), 'https://nras.attestation.nvidia.com/.well-known/jwks.json'],
  ])('%s', (url, expected) => expect(url.href).toBe(expected))

  it('leaves the service for no name that a report could carry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        let url: URL
        try {
          url = nvidiaRimUrl(nvidiaRim, `NV_${text}`)
        } catch (error) {
          expect(error).toMatchObject({ code: 'COLLATERAL_EVIDENCE' })
          return
        }
        expect(url.href).toBe(`https://rim.attestation.nvidia.com/v1/rim/NV_${text}`)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('mirrors', () => {
  it('take the place of one vendor, with their path', () => {
    const endpoints = resolveEndpoints({ amdKds: 'https://mirror.example/amd' })
    expect(amdCrlUrl(endpoints.amdKds, 'vcek', 'milan').href).toBe(
      'https://mirror.example/amd/vcek/v1/Milan/crl',
    )
    expect(endpoints.intelPcs.href).toBe(`${VENDOR_ENDPOINTS.intelPcs}/`)
  })

  it.each(['http://127.0.0.1:8080', 'http://localhost/x', 'http://[::1]:1/'])('may be %s', (mirror) => {
    expect(resolveEndpoints({ amdKds: mirror }).amdKds.protocol).toBe('http:')
  })

  it.each([
    'http://mirror.example',
    'http://127.0.0.1.example',
    'http://169.254.169.254',
    'ftp://mirror.example',
    'file:///etc/passwd',
    'https://user:secret@mirror.example',
    'https://mirror.example/?a=b',
    'https://mirror.example/#a',
    'mirror.example',
    '',
  ])('may not be %s', (mirror) => {
    expect(() => resolveEndpoints({ amdKds: mirror })).toThrow(refused('COLLATERAL_ADDRESS'))
  })

  it.each([
    '//evil.example/',
    'https://evil.example/',
    'https://evil.example/amd/x',
    '//evil.example/amd/x',
    '../secret',
    '/vcek',
    '\\\\evil.example',
  ])('are not left by the path %s', (path) => {
    expect(() => below(new URL('https://mirror.example/amd/'), path)).toThrow(refused('COLLATERAL_EVIDENCE'))
  })
})
