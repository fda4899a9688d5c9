import { createFakeIntel } from '@sotto/testkit/dcap'
import { fakeNitro } from '@sotto/testkit/nitro'
import { fakeNvidia, type FakeNvidia } from '@sotto/testkit/nvidia'
import { fakeAmd, type FakeAmd } from '@sotto/testkit/snp'
import { type FakeTee, nitroTee, snpGpuTee, snpTee, tdxTee } from '@sotto/testkit/tee'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { fromBase64Url } from '@sotto/protocol/bytes'
import { verifyFamily } from '@sotto/verifier/appraisal'
import { createWorld, type World, type WorldOptions } from '@sotto/testkit'
import { type BundleResult, verifyTrustBundle } from '@sotto/verifier'
import { describe, expect, it, vi } from 'vitest'
import { claim } from '../../../../test/claims.ts'

/** Roots that stand in for those pinned in the code: the only thing about hardware that is not real here. */
const pinned = vi.hoisted(() => ({
  amd: undefined as unknown,
  intel: undefined as unknown,
  nitro: undefined as unknown,
  nvidia: undefined as unknown,
}))
vi.mock('../../src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned.amd }))
vi.mock('../../src/nvidia/roots.ts', () => ({ nvidiaRoots: () => pinned.nvidia }))
vi.mock('../../src/dcap/roots.ts', () => ({ intelSgxRootCa: () => pinned.intel }))
vi.mock('../../src/nitro/root.ts', () => ({ nitroVendorRoots: () => pinned.nitro }))

const amd: FakeAmd = fakeAmd()
const intel = createFakeIntel()
const cloud = fakeNitro()
const nvidia: FakeNvidia = fakeNvidia()
Object.assign(pinned, { amd: amd.roots, nvidia: nvidia.roots, intel: intel.roots[0], nitro: cloud.roots })

const world = (options: WorldOptions): Promise<World> => createWorld({ now: FAKE_NOW, ...options })
const verify = ({ bundle, policy, now }: World): BundleResult => verifyTrustBundle(bundle, policy, { now })
const failed = ({ verdict }: BundleResult): string[] =>
  verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)
const step = ({ verdict }: BundleResult, name: string): string | undefined =>
  verdict.steps.find((one) => one.name === name)?.status

const TEES: [string, FakeTee, RegExp][] = [
  ['AMD SEV-SNP', snpTee(amd), /AMD/],
  ['Intel TDX', tdxTee(intel), /Intel/],
  ['AWS Nitro', nitroTee(cloud), /Amazon/],
]

describe.each(TEES)('a service on %s', (_name, tee, vendor) => {
  it(claim(['chain.evidence', 'T8'], 'is verified from the vendor root to the request key'), async () => {
    const result = verify(await world({ tee }))
    expect(failed(result)).toEqual([])
    expect(result.verdict).toMatchObject({ ok: true, software: false })
    expect(step(result, 'hardware.cpu-vendor')).toBe('pass')
    expect(result.verdict.trustedParties.join('\n')).toMatch(vendor)
    expect(result.service?.keys).toHaveLength(1)
  })

  it(claim('chain.measurement', 'is refused when it measures what nobody released'), async () => {
    expect(failed(verify(await world({ tee, measurement: 'c3'.repeat(48) })))).toEqual(['kms.measurement'])
  })

  it(claim('T6', 'is refused when its evidence is bound to something else'), async () => {
    const other = await world({ tee })
    const own = await world({ tee })
    own.bundle.kms.evidence = other.bundle.kms.evidence
    expect(failed(verify(own))).toEqual(['kms.binding'])
  })

  it(claim('T10', 'is refused by a policy for another kind of hardware, or for software'), async () => {
    const own = await world({ tee })
    for (const [, other] of TEES.filter(([, one]) => one !== tee)) {
      const policy = { ...own.policy, platforms: [other.platform] }
      expect(failed(verify({ ...own, policy }))).toEqual(['kms.evidence', 'keys.policy-tuples'])
    }
    const software = await createWorld({ now: FAKE_NOW })
    const policy = { ...own.policy, platforms: software.policy.platforms }
    expect(failed(verify({ ...own, policy }))).toEqual(['kms.evidence', 'keys.policy-tuples'])
  })

  it('is refused when any byte of its evidence is not what was signed', async () => {
    const own = await world({ tee })
    const [piece] = own.bundle.kms.evidence
    const flip = (text: string, at: number): string =>
      `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
    for (const at of [100, 300, 500, 700]) {
      own.bundle.kms.evidence = [{ ...piece!, evidence: flip(piece!.evidence, at) }]
      expect(verify(own).verdict.ok).toBe(false)
    }
  })
})

describe('hardware that a key-release policy admits', () => {
  const laxer = (change: object): WorldOptions => ({
    tee: snpTee(amd),
    keyPolicy: (keyPolicy) => ({
      ...keyPolicy,
      anyOf: keyPolicy.anyOf.map((tuple) => ({ ...tuple, allOf: [{ ...tuple.allOf[0]!, ...change }] })),
    }),
  })

  it.each([
    ['allows debugging', { allowDebug: true }],
    ['allows migration agents', { allowMigrationAgent: true }],
  ])(claim('T2', 'is refused when it %s and the client does not'), async (_what, change) => {
    expect(failed(verify(await world(laxer(change))))).toEqual(['keys.policy-tuples'])
  })

  it(claim('T2', 'may be stricter than what the client asks'), async () => {
    const change = { chipIds: ['ab'.repeat(64)], minimumAbi: { major: 1, minor: 51 } }
    expect(failed(verify(await world(laxer(change))))).toEqual([])
  })

  it.each(['evidenceMaxAgeSeconds', 'collateralMaxAgeSeconds', 'revocationMaxAgeSeconds'] as const)(
    claim('T2', 'grows no older than the client allows: %s'),
    async (name) => {
      const tee = tdxTee(intel)
      const limit = 3000
      const own = await world({ tee })
      expect(failed(verify({ ...own, policy: { ...own.policy, [name]: limit } }))).toContain(
        'keys.policy-tuples',
      )
      const days = name === 'evidenceMaxAgeSeconds' ? limit : 86_400 * 300
      const bounded = await world({ tee, keyPolicy: (keyPolicy) => ({ ...keyPolicy, [name]: days }) })
      expect(failed(verify({ ...bounded, policy: { ...bounded.policy, [name]: days } }))).toEqual([])
    },
  )

  it(
    claim('T2', 'is refused when what it reports is revoked, whatever the release names of it'),
    async () => {
      const own = await world({ tee: nitroTee(cloud) })
      const [piece] = own.bundle.kms.evidence
      const { fields } = verifyFamily('nitro', {
        evidence: fromBase64Url(piece!.evidence),
        collateral: {},
        at: FAKE_NOW,
      })
      // The signer's register is in no release here, and in the document all the same.
      const pcr8 = (fields['pcrs'] as Record<string, string>)['8']!
      expect(failed(verify({ ...own, policy: { ...own.policy, revoked: [pcr8] } }))).toEqual([
        'kms.measurement',
      ])
      const named = own.images.inference.measurement
      expect(failed(verify({ ...own, policy: { ...own.policy, revoked: [named] } }))).toEqual([
        'keys.policy-tuples',
      ])
    },
  )

  it(
    claim('chain.evidence', 'is admitted by any platform of the policy, whichever comes first'),
    async () => {
      const own = await world({ tee: nitroTee(cloud) })
      const other = { name: 'other', allOf: [{ family: 'nitro' as const, nonces: ['aa'] }] }
      for (const platforms of [
        [other, ...own.policy.platforms],
        [...own.policy.platforms, other],
      ])
        expect(failed(verify({ ...own, policy: { ...own.policy, platforms } }))).toEqual([])
    },
  )

  it(claim('T10', 'is not the software TEE while the KMS is on hardware'), async () => {
    const own = await world({ tee: snpTee(amd) })
    const software = await createWorld({ now: FAKE_NOW })
    const mixed = await world({
      tee: snpTee(amd),
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: [
          {
            name: 'laptop',
            role: 'inference',
            allOf: [
              {
                family: 'software',
                roots: [software.root.digest],
                measurements: [own.images.inference.measurement],
              },
            ],
          },
        ],
      }),
    })
    expect(failed(verify(mixed))).toEqual(['keys.policy-tuples'])
  })
})

describe('GPUs of workloads', () => {
  it(claim('T9', 'are part of the verdict: how many the processor commits to'), async () => {
    const own = await world({ tee: snpTee(amd), workloadTee: snpGpuTee(amd, nvidia) })
    const result = verify(own)
    expect(failed(result)).toEqual([])
    expect(result.verdict.steps.find(({ name }) => name === 'hardware.gpu')).toMatchObject({
      status: 'pass',
      found: 'inference: 1 to 1',
    })
    expect(result.verdict.trustedParties.join('\n')).toMatch(/NVIDIA/)
    const policy = { ...own.policy, require: [...own.policy.require, 'hardware.gpu' as const] }
    expect(verify({ ...own, policy }).verdict.ok).toBe(true)
  })

  it(claim('T9', 'are missed where the policy wants them and a tuple does without'), async () => {
    const own = await world({ tee: snpTee(amd) })
    const policy = { ...own.policy, require: [...own.policy.require, 'hardware.gpu' as const] }
    const result = verify({ ...own, policy })
    expect(result.verdict.ok).toBe(false)
    expect(step(result, 'hardware.gpu')).toBe('skipped')
  })
})
