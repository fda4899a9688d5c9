import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { fakeAmd } from '@sotto/testkit/snp'
import { fakeNvidia, rimAnswer, startVendorServer } from '@sotto/testkit/vendor-services'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { collateralNeeds, type Need } from '../../src/collateral/index.ts'
import { memoryStorage } from '../../src/trust/last-checkpoint.ts'
import { codesOf, RIM, type Services, startServices } from './services.ts'

let services: Services
beforeEach(async () => void (services = await startServices()))
afterEach(() => services.server.close())

const CHAIN: Need = { kind: 'amd-chain', key: 'vcek', product: 'milan' }
const AMD_CRL: Need = { kind: 'amd-crl', key: 'vcek', product: 'milan' }
const JWKS: Need = { kind: 'nvidia-jwks' }

describe('what a mirror answered', () => {
  const RIM_NEED: Need = { kind: 'nvidia-rim', id: RIM }

  it('is never taken for the answer of another address', async () => {
    const cache = memoryStorage()
    await services.fetch([RIM_NEED, CHAIN, AMD_CRL], { cache })
    const other = await startVendorServer(services.server.answers)
    const { met, unmet } = await services.fetch([RIM_NEED, CHAIN, AMD_CRL], { cache, mirrors: other.mirrors })
    other.close()
    expect([met.filter(({ from }) => from === 'cache'), unmet]).toEqual([[], []])
  })

  it('is never kept where nobody signed it, and that is said', async () => {
    const cache = memoryStorage()
    await services.fetch([JWKS], { cache })
    await services.fetch([JWKS], { cache })
    expect(services.server.asked).toHaveLength(2)
    expect(services.notes[0]).toMatch(/nobody signs them, and 127\.0\.0\.1:\d+ is a mirror/)
    const { met } = await services.fetch([JWKS], { ...services.own(), cache })
    expect(met[0]?.from).toBe('https://nras.attestation.nvidia.com/.well-known/jwks.json')
  })

  it('is refused when reference measurements are not signed by NVIDIA', async () => {
    const forged = fakeNvidia().rim()
    const edited = utf8(fromUtf8(services.nvidia.rim()).replace('550.90.07', '550.90.08'))
    for (const rim of [forged, edited]) {
      services.server.answers.set(`nvidiaRim/v1/rim/${RIM}`, rimAnswer(RIM, rim))
      expect(codesOf(await services.fetch([RIM_NEED]))).toEqual(['COLLATERAL_INVALID'])
    }
    services.server.answers.set(`nvidiaRim/v1/rim/${RIM}`, rimAnswer(RIM, services.nvidia.rim()))
    expect((await services.fetch([RIM_NEED])).unmet).toEqual([])
    services.clock.now = FAKE_NOW + 20 * 366 * 86_400
    expect(codesOf(await services.fetch([RIM_NEED], { refresh: true }))).toContain('COLLATERAL_EXPIRED')
  })
})

describe('the certificate of a chip', () => {
  const vcek = (): Need =>
    collateralNeeds({ family: 'sev-snp', evidence: services.report, collateral: {} })[0]!
  const path = (): string =>
    [...services.server.answers.keys()].find((known) => /Milan\/[0-9a-f]{128}/.test(known))!

  it('is refused when it does not lead to the pinned root of AMD, from KDS and from Azure', async () => {
    const genuine = services.chip.leaf.certificate
    const forged = fakeAmd()
      .issuer('milan', 'VCEK')
      .issue({
        commonName: 'SEV-VCEK',
        serialNumber: new Uint8Array(0),
        ca: null,
        keyUsage: null,
        extensions: [...genuine.extensions]
          .filter(([oid]) => oid.startsWith('1.3.6.1.4.1.3704'))
          .map(([oid, { value }]) => ({ oid, value })),
      })
    services.server.answers.set(path(), { body: forged.der })
    expect(codesOf(await services.fetch([vcek()]))).toEqual(['COLLATERAL_INVALID'])
    const azure = services.server.answers.get('azureMetadata/metadata/THIM/amd/certification')!
    const members = JSON.parse(fromUtf8(azure.body as Uint8Array)) as object
    services.server.answers.set('azureMetadata/metadata/THIM/amd/certification', {
      ...azure,
      body: utf8(JSON.stringify({ ...members, vcekCert: forged.pem })),
    })
    expect(codesOf(await services.fetch([vcek()], { azure: true }))).toEqual(['COLLATERAL_INVALID'])
  })

  it('is not kept while nothing shows that it is of AMD', async () => {
    services.server.fail('cert_chain', { kind: 'status', status: 404 }, 1)
    const { met, unmet } = await services.fetch([vcek()])
    expect([met.length, unmet.length]).toEqual([2, 1])
    services.server.asked.length = 0
    expect((await services.fetch([vcek()])).unmet).toEqual([])
    expect(services.server.asked.map((line) => line.replace(/\?.*/, '').split('/').at(-1))).toEqual([
      path().replace(/\?.*/, '').split('/').at(-1),
      'cert_chain',
    ])
    services.server.asked.length = 0
    await services.fetch([vcek()])
    expect(services.server.asked).toEqual([])
  })
})
