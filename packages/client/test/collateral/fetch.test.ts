import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { amdAnswers, fakeNvidia, rimAnswer, type VendorFault } from '@sotto/testkit/vendor-services'
import { FAKE_NOW, fakeRoot } from '@sotto/testkit/x509'
import { verifySevSnp } from '@sotto/verifier/snp'
import { collateralNeeds, type Need } from '../../src/collateral/index.ts'
import { codesOf, PLATFORM, RIM, type Services, startServices } from './services.ts'

let services: Services
beforeEach(async () => void (services = await startServices()))
afterEach(() => services.server.close())

const paths = (): string[] => services.server.asked.map((line) => line.replace(/\?.*/, ''))
const snp = (): Need[] => collateralNeeds({ family: 'sev-snp', evidence: services.report, collateral: {} })
const tdx = (): Need[] =>
  collateralNeeds({ family: 'tdx', evidence: services.intel.quote('tdx', PLATFORM), collateral: {} })

describe('AMD', () => {
  it('gives the certificate of the chip, the certificates above it and the CRL, enough to accept a report', async () => {
    const { pieces, unmet } = await services.fetch(snp())
    expect(unmet).toEqual([])
    expect(Object.keys(pieces)).toHaveLength(3)
    const verdict = verifySevSnp(
      { evidence: services.report, collateral: pieces, at: FAKE_NOW },
      services.amd.roots,
    )
    expect(verdict.reason).toBeNull()
    expect(paths()).toEqual([
      expect.stringMatching(/^GET amdKds\/vcek\/v1\/Milan\/[0-9a-f]{128}$/),
      'GET amdKds/vcek/v1/Milan/cert_chain',
      'GET amdKds/vcek/v1/Milan/crl',
    ])
  })

  it('is not asked for a certificate that came along', async () => {
    const needs = collateralNeeds({
      family: 'sev-snp',
      evidence: services.report,
      collateral: services.chip.collateral,
    })
    expect((await services.fetch(needs)).unmet).toEqual([])
    expect(paths()).toEqual(['GET amdKds/vcek/v1/Milan/cert_chain', 'GET amdKds/vcek/v1/Milan/crl'])
  })

  it('is asked for Genoa where Milan does not know the chip of a report that names no product', async () => {
    const chip = services.amd.chip({ product: 'genoa' })
    const report = chip.report({ version: 2 })
    for (const [path, answer] of amdAnswers(services.amd, chip, 'genoa', report))
      services.server.answers.set(path, answer)
    const { pieces, unmet } = await services.fetch(
      collateralNeeds({ family: 'sev-snp', evidence: report, collateral: {} }),
    )
    expect(unmet).toEqual([])
    expect(Object.keys(pieces).filter((name) => name.includes('genoa'))).toHaveLength(2)
    expect(paths()[0]).toContain('/Milan/')
    expect(
      paths()
        .slice(1)
        .every((path) => path.includes('/Genoa/')),
    ).toBe(true)
  })

  it.each(['vcek', 'vlek'] as const)('gives chain and CRL above %s', async (key) => {
    const { unmet } = await services.fetch([
      { kind: 'amd-chain', key, product: 'milan' },
      { kind: 'amd-crl', key, product: 'milan' },
    ])
    expect(unmet).toEqual([])
  })

  it('is asked through Azure inside Azure', async () => {
    const { pieces, unmet } = await services.fetch(snp(), { azure: true })
    expect(unmet).toEqual([])
    expect(Object.keys(pieces)).toHaveLength(3)
    expect(paths()).toEqual([
      'GET azureMetadata/metadata/THIM/amd/certification',
      'GET amdKds/vcek/v1/Milan/crl',
    ])
    expect(services.server.headers[0]).toMatchObject({ metadata: 'true' })
  })

  it('that answers about another chip or firmware is refused', async () => {
    const other = services.amd.chip({ product: 'milan' })
    services.server.fail('Milan/', { kind: 'body', bytes: other.leaf.der }, 1)
    expect(codesOf(await services.fetch(snp()))).toEqual(['COLLATERAL_INVALID'])
    const older = services.amd.chip({ product: 'milan', tcb: Uint8Array.of(4, 2, 0, 0, 0, 0, 24, 219) })
    services.server.fail('Milan/', { kind: 'body', bytes: older.leaf.der }, 1)
    expect(codesOf(await services.fetch(snp()))).toEqual(['COLLATERAL_INVALID'])
  })

  it('that answers with certificates or a CRL of somebody else is refused', async () => {
    const mallory = fakeRoot({ commonName: 'ARK-Milan', curve: 'P-384' })
    const ask = mallory.issue({ commonName: 'SEV-Milan', ca: true })
    services.server.fail('cert_chain', { kind: 'body', bytes: utf8(ask.pem + mallory.pem) })
    services.server.fail('crl', { kind: 'body', bytes: mallory.crl() })
    expect(codesOf(await services.fetch(snp()))).toEqual(['COLLATERAL_INVALID', 'COLLATERAL_INVALID'])
  })
})

describe('Intel', () => {
  it('gives documents with their chains and both CRLs', async () => {
    const { pieces, unmet } = await services.fetch(tdx())
    expect(unmet).toEqual([])
    expect(Object.keys(pieces).sort()).toEqual([
      'intel-pck-platform-chain.pem',
      'intel-pck-platform.crl',
      'intel-qe-identity-tdx-chain.pem',
      'intel-qe-identity-tdx.json',
      'intel-root.crl',
      'intel-tcb-info-tdx-b0c06f000000-chain.pem',
      'intel-tcb-info-tdx-b0c06f000000.json',
    ])
    expect(services.server.asked).toEqual([
      'GET intelPcs/tdx/certification/v4/tcb?fmspc=b0c06f000000',
      'GET intelPcs/tdx/certification/v4/qe/identity',
      'GET intelPcs/sgx/certification/v4/pckcrl?ca=platform&encoding=der',
      'GET intelCertificates/IntelSGXRootCA.der',
    ])
  })

  it("is asked through Azure's cache, which sends the root's CRL in hexadecimal", async () => {
    const [vendor, azure] = [await services.fetch(tdx()), await services.fetch(tdx(), { azure: true })]
    expect(azure.unmet).toEqual([])
    expect(azure.pieces['intel-root.crl']).toEqual(vendor.pieces['intel-root.crl'])
    expect(
      paths()
        .slice(4)
        .every((path) => path.startsWith('GET azureThim/')),
    ).toBe(true)
  })

  it('is asked for one evaluation by its number, and must answer with that one', async () => {
    const path = 'intelPcs/tdx/certification/v4/tcb?fmspc=b0c06f000000&tcbEvaluationDataNumber=16'
    const [need] = tdx()
    services.server.answers.set(
      path,
      services.intel.tcbInfo('tdx', PLATFORM.fmspc, { tcbEvaluationDataNumber: 16 }),
    )
    expect((await services.fetch([need!], { tcbUpdate: 16 })).unmet).toEqual([])
    services.server.answers.set(
      path,
      services.intel.tcbInfo('tdx', PLATFORM.fmspc, { tcbEvaluationDataNumber: 15 }),
    )
    expect(codesOf(await services.fetch([need!], { tcbUpdate: 16, refresh: true }))).toEqual([
      'COLLATERAL_INVALID',
    ])
  })

  it.each<[string, Parameters<Services['intel']['tcbInfo']>[2], string]>([
    [
      'about another platform',
      { change: (members) => void (members['fmspc'] = '000000000000') },
      'COLLATERAL_INVALID',
    ],
    ['about SGX', { change: (members) => void (members['id'] = 'SGX') }, 'COLLATERAL_INVALID'],
    ['that has expired', { nextUpdate: FAKE_NOW - 1 }, 'COLLATERAL_EXPIRED'],
    ['of tomorrow', { issueDate: FAKE_NOW + 86_400 }, 'COLLATERAL_EXPIRED'],
    [
      'without a number',
      { change: (members) => void delete members['tcbEvaluationDataNumber'] },
      'COLLATERAL_INVALID',
    ],
    [
      'with a date that is none',
      { change: (members) => void (members['issueDate'] = '2026-13-01') },
      'COLLATERAL_INVALID',
    ],
  ])('is refused with TCB information %s', async (_what, options, code) => {
    const path = 'intelPcs/tdx/certification/v4/tcb?fmspc=b0c06f000000'
    services.server.answers.set(path, services.intel.tcbInfo('tdx', PLATFORM.fmspc, options))
    const fetched = await services.fetch(tdx())
    expect(codesOf(fetched)).toEqual([code])
    expect(Object.keys(fetched.pieces)).toHaveLength(5)
  })

  it.each<[string, VendorFault]>([
    ['no chain', { kind: 'header', name: 'TCB-Info-Issuer-Chain', value: null }],
    ['a chain that is no chain', { kind: 'header', name: 'TCB-Info-Issuer-Chain', value: 'none' }],
    ['a chain in another encoding', { kind: 'header', name: 'TCB-Info-Issuer-Chain', value: '%' }],
    ['a chain without end', { kind: 'header', name: 'TCB-Info-Issuer-Chain', value: 'a'.repeat(15_000) }],
    ['no JSON', { kind: 'body', bytes: utf8('{"tcbInfo":') }],
    ['no signature', { kind: 'body', bytes: utf8('{"tcbInfo":{}}') }],
  ])('is refused with %s', async (_what, fault) => {
    services.server.fail('/tcb?', fault)
    expect(codesOf(await services.fetch(tdx()))).toEqual(['COLLATERAL_INVALID'])
  })

  it('is refused when one byte of what is signed changed', async () => {
    const { body } = services.intel.tcbInfo('tdx', PLATFORM.fmspc)
    const changed = utf8(new TextDecoder().decode(body as Uint8Array).replace('"tcbType":0', '"tcbType":1'))
    services.server.fail('/tcb?', { kind: 'body', bytes: changed })
    const { unmet } = await services.fetch(tdx())
    expect(unmet[0]?.error).toMatchObject({
      code: 'COLLATERAL_INVALID',
      message: 'the answer is not signed by Intel',
    })
  })

  it('is refused under a root of somebody else', async () => {
    const roots = { ...services.roots, intel: fakeRoot({ commonName: 'Intel SGX Root CA' }).certificate }
    const codes = codesOf(await services.fetch(tdx(), { roots }))
    expect(codes).toEqual(Array.from({ length: 4 }, () => 'COLLATERAL_INVALID'))
  })

  it('is refused with the CRL of its other authority', async () => {
    const other = services.intel.pckCrl('processor')
    services.server.answers.set('intelPcs/sgx/certification/v4/pckcrl?ca=platform&encoding=der', other)
    expect(codesOf(await services.fetch(tdx()))).toEqual(['COLLATERAL_INVALID'])
  })
})

describe('NVIDIA', () => {
  const ocsp = (): Need => ({
    kind: 'nvidia-ocsp',
    certificate: services.nvidia.chain[1]!.certificate,
    issuer: services.nvidia.chain[2]!.certificate,
  })

  it('gives reference measurements, and the status of every certificate that signed them', async () => {
    const { pieces, unmet } = await services.fetch([{ kind: 'nvidia-rim', id: RIM }])
    expect(unmet).toEqual([])
    expect(Object.keys(pieces)).toEqual([
      `nvidia-rim-${RIM}.xml`,
      expect.stringMatching(/^nvidia-ocsp-/),
      expect.stringMatching(/^nvidia-ocsp-/),
    ])
    expect(services.server.asked).toEqual([
      `GET nvidiaRim/v1/rim/${RIM}`,
      'POST nvidiaOcsp/',
      'POST nvidiaOcsp/',
    ])
  })

  it('gives the keys of its attestation service', async () => {
    expect((await services.fetch([{ kind: 'nvidia-jwks' }])).unmet).toEqual([])
  })

  it.each(['good', 'revoked', 'unknown'] as const)(
    'says %s, which is for a verifier to judge',
    async (status) => {
      services.server.answers.set('nvidiaOcsp/', {
        headers: { 'content-type': 'application/ocsp-response' },
        body: (request) => services.nvidia.ocsp(request, { status }),
      })
      expect((await services.fetch([ocsp()])).unmet).toEqual([])
    },
  )

  it('must repeat the nonce, so that an old answer does not pass for a new one', async () => {
    const recorded = services.nvidia.chain[2]!.ocsp(services.nvidia.chain[1]!.certificate)
    const answers: [string, Uint8Array][] = [
      [
        'another nonce',
        services.nvidia.chain[2]!.ocsp(services.nvidia.chain[1]!.certificate, { nonce: Uint8Array.of(1) }),
      ],
      ['no nonce', recorded],
    ]
    for (const [, bytes] of answers) {
      services.server.fail('nvidiaOcsp', { kind: 'body', bytes }, 1)
      expect(codesOf(await services.fetch([ocsp()]))).toEqual(['COLLATERAL_INVALID'])
    }
    services.server.fail('nvidiaOcsp', { kind: 'body', bytes: recorded }, 1)
    expect((await services.fetch([ocsp()], { requireOcspNonce: false })).unmet).toEqual([])
  })

  it('asks with another nonce each time', async () => {
    const nonces: string[] = []
    services.server.answers.set('nvidiaOcsp/', {
      headers: { 'content-type': 'application/ocsp-response' },
      body: (request) => {
        nonces.push(Buffer.from(request.subarray(-32)).toString('hex'))
        return services.nvidia.ocsp(request)
      },
    })
    await services.fetch([ocsp()], { refresh: true })
    await services.fetch([ocsp()], { refresh: true })
    expect(new Set(nonces).size).toBe(2)
  })

  it.each<[string, VendorFault]>([
    [
      'about other measurements',
      { kind: 'body', bytes: rimAnswer('NV_GPU_DRIVER_GH100_1.1', fakeNvidia().rim()).body as Uint8Array },
    ],
    ['without measurements', { kind: 'body', bytes: utf8(`{"id":"${RIM}"}`) }],
    [
      'with measurements that are none',
      { kind: 'body', bytes: utf8(`{"id":"${RIM}","rim":"PGE+PC9hPg=="}`) },
    ],
    ['with another spelling of base64', { kind: 'body', bytes: utf8(`{"id":"${RIM}","rim":"PB=="}`) }],
    ['with a name twice', { kind: 'body', bytes: utf8(`{"id":"${RIM}","id":"${RIM}","rim":""}`) }],
    ['that is no JSON', { kind: 'body', bytes: concat(utf8('{'), Uint8Array.of(0xff)) }],
  ])('is refused with an answer %s', async (_what, fault) => {
    services.server.fail('nvidiaRim', fault)
    expect(codesOf(await services.fetch([{ kind: 'nvidia-rim', id: RIM }]))).toEqual(['COLLATERAL_INVALID'])
  })
})

describe('what cannot be had', () => {
  it('is listed, and the rest is fetched', async () => {
    services.server.fail('/tcb?', { kind: 'status', status: 404 })
    services.server.fail('IntelSGXRootCA', { kind: 'status', status: 503 })
    const fetched = await services.fetch(tdx(), { attempts: 2 })
    expect(codesOf(fetched)).toEqual(['COLLATERAL_MISSING', 'COLLATERAL_UNREACHABLE'])
    expect(fetched.unmet.map(({ what }) => what)).toEqual([
      'the TDX TCB information of platforms b0c06f000000',
      "the list of Intel's revoked authorities",
    ])
    expect(Object.keys(fetched.pieces)).toHaveLength(4)
  })

  it('stops at once when it is cancelled', async () => {
    const stop = new AbortController()
    services.server.fail('/tcb?', { kind: 'slow', after: 1 })
    const fetching = services.fetch(tdx(), { signal: stop.signal })
    await expect.poll(() => services.server.asked).toHaveLength(1)
    stop.abort(new Error('enough'))
    await expect(fetching).rejects.toThrow('enough')
  })
})
