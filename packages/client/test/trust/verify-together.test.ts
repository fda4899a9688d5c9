import { createFakeIntel } from '@sotto/testkit/dcap'
import { fakeNitro } from '@sotto/testkit/nitro'
import { fakeAmd } from '@sotto/testkit/snp'
import { type FakeTee, nitroTee, snpTee, tdxTee } from '@sotto/testkit/tee'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { fromBase64Url, fromUtf8, toBase64, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { parseDsse } from '@sotto/protocol/dsse'
import { encodeTrustBundle, parseTrustBundle, type TrustBundle } from '@sotto/protocol/evidence'
import { createWorld, type World } from '@sotto/testkit'
import { type BundleResult, verifyTrustBundle } from '@sotto/verifier'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CASES } from '../../../verifier/test/bundle/dishonest.ts'
import { foreseeSignatures } from '../../src/trust/foresee.ts'
import { checkOnce, type CheckpointMemory, type TrustSource } from '../../src/trust/index.ts'

/** Roots that stand in for those pinned in the code. */
const pinned = vi.hoisted(() => ({
  amd: undefined as unknown,
  intel: undefined as unknown,
  nitro: undefined as unknown,
}))
vi.mock('../../../verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned.amd }))
vi.mock('../../../verifier/src/dcap/roots.ts', () => ({ intelSgxRootCa: () => pinned.intel }))
vi.mock('../../../verifier/src/nitro/root.ts', () => ({ nitroVendorRoots: () => pinned.nitro }))
vi.mock(
  '../../../protocol/src/crypto-backend/node.ts',
  () => import('../../../protocol/src/crypto-backend/browser.ts'),
)

const amd = fakeAmd()
const intel = createFakeIntel()
const cloud = fakeNitro()
Object.assign(pinned, { amd: amd.roots, intel: intel.roots[0], nitro: cloud.roots })

const TEES: [string, FakeTee][] = [
  ['AMD SEV-SNP', snpTee(amd)],
  ['Intel TDX', tdxTee(intel)],
  ['AWS Nitro', nitroTee(cloud)],
]

afterEach(() => {
  vi.restoreAllMocks()
})

/** The verdict as `checkOnce` comes to it, after every run before it was looked at. */
async function together(
  { policy, now }: World,
  bundle: TrustBundle,
): Promise<BundleResult & { runs: number }> {
  const runs: BundleResult[] = []
  const result = await publicCrypto.verifyTogether(
    () => {
      const run = verifyTrustBundle(bundle, policy, { now })
      runs.push(run)
      return run
    },
    () => foreseeSignatures(bundle, policy),
  )
  for (const run of runs.slice(0, -1)) {
    expect(run.verdict.ok).toBe(false)
    expect(run.service).toBeUndefined()
  }
  expect(result).toBe(runs.at(-1))
  return { ...result, runs: runs.length }
}

/** Both ways to a verdict say the same, step by step and word by word. */
async function same(world: World, bundle = world.bundle): Promise<BundleResult & { runs: number }> {
  const parsed = parseTrustBundle(encodeTrustBundle(bundle))
  const { runs, ...result } = await together(world, parsed)
  expect(result).toEqual(verifyTrustBundle(parsed, world.policy, { now: world.now }))
  return { ...result, runs }
}

describe('a verdict whose signatures the platform verifies', () => {
  it('comes with the second run, and every signature of the bundle is native', async () => {
    expect(publicCrypto.name).toBe('browser')
    const verify = vi.spyOn(globalThis.crypto.subtle, 'verify')
    const world = await createWorld()
    const { runs, verdict } = await together(world, world.bundle)
    expect([runs, verdict.ok]).toEqual([2, true])
    expect(verify.mock.calls.length).toBeGreaterThan(10)
    await expect(
      Promise.all(verify.mock.results.map(({ value }) => value as Promise<boolean>)),
    ).resolves.not.toContain(false)
  })

  it('is the same where the platform has no Ed25519, or nothing', async () => {
    const world = await createWorld()
    vi.spyOn(globalThis.crypto.subtle, 'importKey').mockRejectedValue(
      new DOMException('', 'NotSupportedError'),
    )
    expect((await same(world)).verdict.ok).toBe(true)
  })

  it.each(CASES)('is the same of a dishonest deployment: %s, %s', async (_claims, _what, steps, options) => {
    const other = await createWorld()
    const world = await createWorld(typeof options === 'function' ? options(other) : options)
    const { verdict, service } = await same(world)
    expect(verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)).toEqual(steps)
    expect(service).toBeUndefined()
  })

  it('is the same, a refusal, when any one signature of the bundle is another', async () => {
    const world = await createWorld()
    let count = 0
    const remember = vi.fn<CheckpointMemory['remember']>()
    for (const [what, bundle] of tampered(world.bundle)) {
      const { verdict, service } = await same(world, bundle)
      expect([what, verdict.ok, service]).toEqual([what, false, undefined])
      const checked = await checkOnce(sourceOf(world, bundle, remember))
      expect([what, checked.verdict, checked.service]).toEqual([what, verdict, undefined])
      count += 1
    }
    // Two notes of a log and two witnesses; genesis, two releases, certificate, key set; decision, proposal, ballot; evidence.
    expect(count).toBe(6 + 5 + 3 + 1)
    expect(remember).not.toHaveBeenCalled()
    expect((await checkOnce(sourceOf(world, world.bundle, remember))).service).toBeDefined()
    expect(remember).toHaveBeenCalledOnce()
  })

  describe.each(TEES)('on %s', (_name, tee) => {
    it('is the same, honest or not', async () => {
      const world = await createWorld({ now: FAKE_NOW, tee })
      const { verdict, runs } = await same(world)
      expect(verdict.ok).toBe(true)
      expect(runs).toBeLessThanOrEqual(5)
      for (const kind of ['measurement', 'evidence'] as const) {
        const bent = await createWorld({
          now: FAKE_NOW,
          tee,
          ...(kind === 'measurement' && { measurement: 'c3'.repeat(48) }),
        })
        if (kind === 'evidence') bent.bundle.kms.evidence = world.bundle.kms.evidence
        expect((await same(bent)).service).toBeUndefined()
      }
    })
  })
})

function sourceOf(
  { policy, now }: World,
  bundle: TrustBundle,
  remember: CheckpointMemory['remember'],
): TrustSource {
  const url = new URL('https://relay.test/')
  const body = new Uint8Array(encodeTrustBundle(bundle))
  return {
    trustUrl: url,
    logUrl: url,
    policy,
    fetch: async () => new Response(body, { headers: { 'content-type': 'application/json' } }),
    now: () => now,
    memory: { recall: async () => undefined, remember },
    onStep: undefined,
  }
}

/** Copies of the bundle with one signature changed in one bit each, and what was changed. */
function* tampered(bundle: TrustBundle): Generator<[what: string, bundle: TrustBundle]> {
  const changed = (change: (copy: TrustBundle) => void): TrustBundle => {
    const copy = structuredClone(bundle)
    change(copy)
    return copy
  }
  for (const line of bundle.checkpoint.split('\n').filter((one) => one.startsWith('\u2014')))
    yield [
      `checkpoint ${line}`,
      changed((copy) => (copy.checkpoint = copy.checkpoint.replace(line, flippedLine(line)))),
    ]
  for (const line of bundle.kms.boundCheckpoint.split('\n').filter((one) => one.startsWith('\u2014')))
    yield [
      `bound checkpoint ${line}`,
      changed(
        (copy) => (copy.kms.boundCheckpoint = copy.kms.boundCheckpoint.replace(line, flippedLine(line))),
      ),
    ]
  for (const [what, of] of statements) {
    for (const [n, proven] of of(bundle).entries())
      for (const signature of proven.envelope.match(/(?<="sig":")[^"]+/g) ?? [])
        yield [
          `${what} ${n}`,
          changed((copy) => {
            const one = of(copy)[n]!
            one.envelope = one.envelope.replace(signature, flipped(signature))
          }),
        ]
  }
  // The proposal and the ballots are in the payload.
  for (const signature of payloadOf(bundle.policy).match(/(?<=\.)[\w-]{86}(?=")/g) ?? [])
    yield [
      'member',
      changed(({ policy }) => {
        const payload = payloadOf(policy)
        policy.envelope = policy.envelope.replace(
          toBase64(utf8(payload)),
          toBase64(utf8(payload.replace(signature, flipped(signature)))),
        )
      }),
    ]
  yield [
    'evidence',
    changed((copy) => {
      const [piece] = copy.kms.evidence as { evidence: string }[]
      const report = fromBase64Url(piece!.evidence)
      // The last byte of R, see software-signer.
      report[0x2a0]! ^= 1
      piece!.evidence = toBase64Url(report)
    }),
  ]
}

const statements: [string, (bundle: TrustBundle) => { envelope: string }[]][] = [
  ['genesis', ({ genesis }) => [genesis]],
  ['release', ({ releases }) => releases],
  ['certificate', ({ kms }) => [kms.certificate]],
  ['key set', ({ keySet }) => [keySet]],
  ['policy', ({ policy }) => [policy]],
]

function payloadOf({ envelope }: { envelope: string }): string {
  return fromUtf8(parseDsse(utf8(envelope)).payload)
}

/** Another signature of the same length, in the same alphabet. */
function flipped(base64: string): string {
  return (base64.startsWith('A') ? 'B' : 'A') + base64.slice(1)
}

function flippedLine(line: string): string {
  const [dash, name, encoded] = line.split(' ') as [string, string, string]
  const bytes = Buffer.from(encoded, 'base64')
  bytes[bytes.length - 40]! ^= 1
  return [dash, name, toBase64(bytes)].join(' ')
}
