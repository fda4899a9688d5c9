import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { fetchCollateral, type FetchCollateralOptions, type Need } from '../../src/collateral/index.ts'
import { memoryStorage } from '../../src/trust/last-checkpoint.ts'
import type { SottoStorage } from '../../src/types.ts'
import { codesOf, PLATFORM, RIM, type Services, startServices } from './services.ts'

const DAY = 86_400

let services: Services
beforeEach(async () => void (services = await startServices()))
afterEach(() => services.server.close())

const TCB_INFO: Need = { kind: 'intel-tcb-info', tee: 'tdx', fmspc: PLATFORM.fmspc }
const PCK_CRL: Need = { kind: 'intel-pck-crl', ca: 'platform' }
const ROOT_CRL: Need = { kind: 'intel-root-crl' }
const CHAIN: Need = { kind: 'amd-chain', key: 'vcek', product: 'milan' }
const AMD_CRL: Need = { kind: 'amd-crl', key: 'vcek', product: 'milan' }
const JWKS: Need = { kind: 'nvidia-jwks' }
const OCSP = (): Need => ({
  kind: 'nvidia-ocsp',
  certificate: services.nvidia.chain[1]!.certificate,
  issuer: services.nvidia.chain[2]!.certificate,
})

/** Seconds after the first fetch at which a need is asked for again. */
async function askedAgainAfter(
  need: Need,
  seconds: readonly number[],
  options?: FetchCollateralOptions,
): Promise<(number | undefined)[]> {
  const again: (number | undefined)[] = []
  await services.fetch([need], options)
  for (const after of seconds) {
    services.clock.now = FAKE_NOW + after
    const before = services.server.asked.length
    await services.fetch([need], options)
    again.push(services.server.asked.length > before ? after : undefined)
  }
  return again
}

describe('how long answers are kept', () => {
  it('Intel: until nextUpdate, 30 days', async () => {
    expect(await askedAgainAfter(TCB_INFO, [1, 28 * DAY, 29 * DAY - 1, 29 * DAY])).toEqual([
      undefined,
      undefined,
      undefined,
      29 * DAY,
    ])
  })

  it.each([PCK_CRL, ROOT_CRL, AMD_CRL])('CRLs: until nextUpdate (%o)', async (need) => {
    expect(await askedAgainAfter(need, [DAY - 1, DAY])).toEqual([undefined, DAY])
  })

  it('OCSP: a day at most, whatever the answer says', async () => {
    services.server.answers.set('nvidiaOcsp/', {
      headers: { 'content-type': 'application/ocsp-response' },
      body: (request) => services.nvidia.ocsp(request, { nextUpdate: FAKE_NOW + 30 * DAY }),
    })
    // The answer was an hour old when it came.
    expect(await askedAgainAfter(OCSP(), [DAY - 3601, DAY - 3600])).toEqual([undefined, DAY - 3600])
  })

  it('certificates: 30 days, because AMD issues the same key again', async () => {
    expect(await askedAgainAfter(CHAIN, [30 * DAY - 1, 30 * DAY])).toEqual([undefined, 30 * DAY])
  })

  it('keys of a service: an hour', async () => {
    expect(await askedAgainAfter(JWKS, [3599, 3600], services.own())).toEqual([undefined, 3600])
  })

  it('reference measurements: 30 days, the status of their certificates less', async () => {
    await services.fetch([{ kind: 'nvidia-rim', id: RIM }])
    services.clock.now = FAKE_NOW + 2 * DAY
    services.server.answers.set('nvidiaOcsp/', {
      headers: { 'content-type': 'application/ocsp-response' },
      body: (request) =>
        services.nvidia.ocsp(request, {
          thisUpdate: services.clock.now,
          nextUpdate: services.clock.now + DAY,
        }),
    })
    services.server.asked.length = 0
    expect((await services.fetch([{ kind: 'nvidia-rim', id: RIM }])).unmet).toEqual([])
    expect(services.server.asked).toEqual(['POST nvidiaOcsp/', 'POST nvidiaOcsp/'])
  })

  it('the same chip and level again, with a new certificate, is the same entry', async () => {
    const { chip, amd } = services
    const need: Need = {
      kind: 'amd-vcek',
      product: 'milan',
      hwid: Buffer.from(chip.chipId).toString('hex'),
      tcb: { bl: 4, tee: 3, snp: 24, ucode: 219 },
    }
    const first = await services.fetch([need])
    const again = amd.issuer('milan', 'VCEK').issue({
      commonName: 'SEV-VCEK',
      serialNumber: new Uint8Array(0),
      ca: null,
      keyUsage: null,
      key: chip.leaf.key,
      notBefore: FAKE_NOW - 60,
      extensions: [...chip.leaf.certificate.extensions]
        .filter(([oid]) => oid.startsWith('1.3.6.1.4.1.3704'))
        .map(([oid, { value }]) => ({ oid, value })),
    })
    const path = [...services.server.answers.keys()].find((known) => /Milan\/[0-9a-f]{128}/.test(known))!
    services.server.answers.set(path, { headers: {}, body: again.der })
    const second = await services.fetch([need], { refresh: true })
    expect(second.unmet).toEqual([])
    expect(Object.keys(second.pieces)).toEqual(Object.keys(first.pieces))
    expect(second.pieces).not.toEqual(first.pieces)
  })

  it('not at all when asked to refresh, or when the answer comes from Azure', async () => {
    await services.fetch([TCB_INFO])
    await services.fetch([TCB_INFO], { azure: true })
    await services.fetch([TCB_INFO], { refresh: true })
    expect(services.server.asked).toHaveLength(3)
  })
})

describe('a cache that is not to be trusted', () => {
  /** A storage whose values pass through a change on their way out. */
  function changing(change: (value: string) => string): SottoStorage {
    const inner = memoryStorage()
    return {
      async get(key) {
        const value = await inner.get(key)
        return value === undefined ? undefined : change(value)
      },
      set: inner.set,
    }
  }

  it.each<[string, (value: string) => string]>([
    ['is cut off', (value) => value.slice(0, -10)],
    ['is empty', () => ''],
    ['is no JSON', () => 'null'],
    [
      'has one letter changed',
      (value) => value.replace(/"body":"..../, (start) => `${start.slice(0, -4)}AAAA`),
    ],
    ['is the entry of something else', (value) => value.replace('tdx b0c06f000000', 'tdx 000000000000')],
    ['is of another version', (value) => value.replace('"version":1', '"version":2')],
    ['lost its headers', (value) => value.replace(/"headers":\[.*?\]/, '"headers":[]')],
    [
      'is said to be from tomorrow',
      (value) => value.replace(/"fetchedAt":\d+/, `"fetchedAt":${FAKE_NOW + DAY}`),
    ],
  ])('is asked for again when an entry %s', async (_what, change) => {
    const cache = changing(change)
    const first = await services.fetch([TCB_INFO], { cache })
    const second = await services.fetch([TCB_INFO], { cache })
    expect(second.unmet).toEqual([])
    expect(second.pieces).toEqual(first.pieces)
    expect(services.server.asked).toHaveLength(2)
  })

  it('notices bytes that changed where nobody signed them', async () => {
    const cache = changing((value) => value.replace(/"body":"[^"]*"/, '"body":"eyJrZXlzIjpbe31dfQ=="'))
    const first = await services.fetch([JWKS], { ...services.own(), cache })
    expect((await services.fetch([JWKS], { ...services.own(), cache })).pieces).toEqual(first.pieces)
    expect(services.server.asked).toHaveLength(2)
  })

  it('cannot bring in what the vendor did not sign', async () => {
    // Digest and all: whoever can write entries can write this one too.
    const other = await startServices()
    const cache = memoryStorage()
    const forged: SottoStorage = {
      get: cache.get,
      set: (key, value) => {
        const here = (text: string): string => text.replaceAll(other.server.url, services.server.url)
        return cache.set(here(key), here(value))
      },
    }
    await other.fetch([TCB_INFO], { cache: forged })
    other.server.close()
    const fetched = await services.fetch([TCB_INFO], { cache })
    expect(fetched.met.map(({ from }) => from)).not.toContain('cache')
    expect(services.notes).toEqual([expect.stringContaining('what is in the cache is not used')])
  })

  it('cannot bring back what is older than an answer seen', async () => {
    const cache = memoryStorage()
    await services.fetch([TCB_INFO], { cache })
    const old = new Map<string, string>()
    const spying: SottoStorage = { get: cache.get, set: async (key, value) => void old.set(key, value) }
    await services.fetch([TCB_INFO], { cache: spying, refresh: true })
    const path = 'intelPcs/tdx/certification/v4/tcb?fmspc=b0c06f000000'
    services.server.answers.set(
      path,
      services.intel.tcbInfo('tdx', PLATFORM.fmspc, { tcbEvaluationDataNumber: 18 }),
    )
    await services.fetch([TCB_INFO], { cache, refresh: true })
    for (const [key, value] of old) await cache.set(key, value)
    const { met } = await services.fetch([TCB_INFO], { cache })
    expect(met[0]).toMatchObject({ from: expect.stringContaining('/tcb?'), mark: { number: '18' } })
  })

  it('that fails keeps nobody from an answer', async () => {
    const broken: SottoStorage = {
      get: async () => Promise.reject(new Error('EIO')),
      set: async () => Promise.reject(new Error('ENOSPC')),
    }
    expect((await services.fetch([TCB_INFO], { cache: broken })).unmet).toEqual([])
    expect(services.notes).toEqual([expect.stringContaining('EIO'), expect.stringContaining('ENOSPC')])
  })
})

describe('answers that go back', () => {
  const path = 'intelPcs/tdx/certification/v4/tcb?fmspc=b0c06f000000'
  const rolledBack = { code: 'COLLATERAL_ROLLBACK', action: 'stop' }

  it.each<[string, Parameters<Services['intel']['tcbInfo']>[2]]>([
    ['a lower tcbEvaluationDataNumber', { tcbEvaluationDataNumber: 16 }],
    ['an older issueDate', { issueDate: FAKE_NOW - 7200 }],
    ['a lower number under a newer date', { tcbEvaluationDataNumber: 16, issueDate: FAKE_NOW - 60 }],
  ])('are refused: %s', async (_what, options) => {
    await services.fetch([TCB_INFO])
    services.server.answers.set(path, services.intel.tcbInfo('tdx', PLATFORM.fmspc, options))
    const { unmet, pieces } = await services.fetch([TCB_INFO], { refresh: true })
    expect(unmet[0]?.error).toMatchObject(rolledBack)
    expect(pieces).toEqual({})
    // What was kept before is as good as it was.
    expect((await services.fetch([TCB_INFO])).met[0]).toMatchObject({ from: 'cache', mark: { number: '17' } })
  })

  it.each<[string, Need, string, (thisUpdate: number) => void]>([
    [
      'the CRL of an Intel authority',
      PCK_CRL,
      'intel pck-crl platform',
      (thisUpdate) =>
        services.server.answers.set(
          'intelPcs/sgx/certification/v4/pckcrl?ca=platform&encoding=der',
          services.intel.pckCrl('platform', { thisUpdate }),
        ),
    ],
    [
      'the CRL of AMD',
      AMD_CRL,
      'amd crl vcek milan',
      (thisUpdate) =>
        services.server.answers.set('amdKds/vcek/v1/Milan/crl', {
          body: services.amd.ark('milan').crl({ thisUpdate }),
        }),
    ],
  ])('are refused: %s', async (_what, need, subject, answerWith) => {
    answerWith(FAKE_NOW - 100)
    await services.fetch([need])
    answerWith(FAKE_NOW - 101)
    const { unmet } = await services.fetch([need], { refresh: true })
    expect(unmet[0]?.error).toMatchObject({ ...rolledBack, message: expect.stringContaining(subject) })
    answerWith(FAKE_NOW - 99)
    expect((await services.fetch([need], { refresh: true })).unmet).toEqual([])
  })

  it('are refused: OCSP', async () => {
    const answerWith = (thisUpdate: number): void =>
      void services.server.answers.set('nvidiaOcsp/', {
        headers: { 'content-type': 'application/ocsp-response' },
        body: (request) => services.nvidia.ocsp(request, { thisUpdate }),
      })
    answerWith(FAKE_NOW - 100)
    await services.fetch([OCSP()])
    answerWith(FAKE_NOW - 101)
    expect(codesOf(await services.fetch([OCSP()], { refresh: true }))).toEqual(['COLLATERAL_ROLLBACK'])
  })

  it('are refused by another process too, without the cache', async () => {
    const seen = memoryStorage()
    await services.fetch([TCB_INFO], { seen, cache: memoryStorage() })
    services.server.answers.set(
      path,
      services.intel.tcbInfo('tdx', PLATFORM.fmspc, { tcbEvaluationDataNumber: 16 }),
    )
    expect(codesOf(await services.fetch([TCB_INFO], { seen, cache: memoryStorage() }))).toEqual([
      'COLLATERAL_ROLLBACK',
    ])
  })

  it('standard and early evaluations do not stand in each other’s way', async () => {
    services.server.answers.set(
      `${path}&update=early`,
      services.intel.tcbInfo('tdx', PLATFORM.fmspc, { tcbEvaluationDataNumber: 18 }),
    )
    expect((await services.fetch([TCB_INFO], { tcbUpdate: 'early' })).unmet).toEqual([])
    expect((await services.fetch([TCB_INFO])).unmet).toEqual([])
  })

  it('forged ones do not raise what must be reached', async () => {
    const forger = await startServices()
    const forged = forger.intel.tcbInfo('tdx', PLATFORM.fmspc, { tcbEvaluationDataNumber: 999 })
    forger.server.close()
    const genuine = services.server.answers.get(path)!
    services.server.answers.set(path, forged)
    expect(codesOf(await services.fetch([TCB_INFO]))).toEqual(['COLLATERAL_INVALID'])
    services.server.answers.set(path, genuine)
    expect((await services.fetch([TCB_INFO])).unmet).toEqual([])
  })

  it('cannot be told when the memory is damaged, which stops everything', async () => {
    const seen: SottoStorage = { get: async () => 'damaged', set: async () => {} }
    await expect(
      fetchCollateral([TCB_INFO], {
        seen,
        mirrors: services.server.mirrors,
        roots: services.roots,
        now: () => FAKE_NOW,
      }),
    ).rejects.toMatchObject({ code: 'COLLATERAL_MEMORY', action: 'fix-input' })
  })
})
