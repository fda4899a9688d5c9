import { fakeNvidia } from '@sotto/testkit/nvidia'
import { fakeAmd } from '@sotto/testkit/snp'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { type FakeTee, snpGpuTee, snpTee } from '@sotto/testkit/tee'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { bindReportData, type PolicyTuple, type ReleaseReceipt } from '@sotto/protocol/keyrelease'
import type { TrustedHardware } from '@sotto/serve/tee'
import { expect, test, vi } from 'vitest'
import { claim } from '../../../test/claims.ts'
import { Enclave, payloadOf, seed, World } from './world.ts'

/** Roots that stand in for those pinned in the verifier. */
const pinned = vi.hoisted(() => ({}) as Record<string, unknown>)
vi.mock('../../verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned['amd'] }))
vi.mock('../../verifier/src/nvidia/roots.ts', () => ({ nvidiaRoots: () => pinned['nvidia'] }))
const amd = fakeAmd()
const nvidia = fakeNvidia()
Object.assign(pinned, { amd: amd.roots, nvidia: nvidia.roots })

const tee = snpGpuTee(amd, nvidia)
const imageOf = (world: World): { measurement: string; hostData: string } => ({
  measurement: softwareMeasurement(world.workload.image),
  hostData: world.workload.hostData,
})
const tupleOf = (world: World): PolicyTuple => ({
  ...tee.platform,
  name: 'h100',
  role: 'inference',
  allOf: tee.platform.allOf.map((component, index) =>
    index === 0 ? { ...component, ...tee.pins(imageOf(world)) } : component,
  ),
})

/** A KMS on a guest of this AMD, whose policy admits one workload beside a GPU. */
async function ready(): Promise<World> {
  const world = new World({ softwareRoots: undefined })
  world.now = FAKE_NOW
  const own = snpTee(amd)
  world.hardware = {
    family: 'sev-snp',
    collectEvidence: async (binding) =>
      own.evidence({ measurement: softwareMeasurement('aa'.repeat(32)), hostData: 'd4'.repeat(32) }, binding),
    deriveSealingKey: () => Promise.resolve(seed(77)),
  } satisfies TrustedHardware
  await world.start()
  const release = world.logRelease(world.workload, { evidence: tee.pins(imageOf(world)) })
  await world.acceptPolicy(world.proposal(world.policy({ anyOf: [tupleOf(world)] }), undefined, [release]))
  return world
}

/** What an enclave sends that runs on this. */
async function requestFrom(
  world: World,
  machine: FakeTee,
): Promise<{ enclave: Enclave; request: Awaited<ReturnType<Enclave['request']>> }> {
  const enclave = new Enclave(world.workload)
  const request = await enclave.request(world)
  return {
    enclave,
    request: {
      ...request,
      evidence: machine.evidence(imageOf(world), bindReportData('enclave', request.binding)),
    },
  }
}

test(
  claim(['T8', 'T9', 'T4'], 'a workload on hardware gets its keys, and the log the chips they went to'),
  async () => {
    const world = await ready()
    const { enclave, request } = await requestFrom(world, tee)
    const { status, body, text } = await world.call('/v1/release', request)
    expect(status, text).toBe(200)
    expect(enclave.open(request, body as never, world.genesis).keys.length).toBeGreaterThan(0)
    const receipt = payloadOf(
      (body as unknown as { receipt: { envelope: string } }).receipt.envelope,
    ) as ReleaseReceipt
    expect(receipt.tuple).toBe('h100')
    expect(receipt.hardware).toEqual([
      expect.stringMatching(/^sev-snp [0-9a-f]{128}$/),
      expect.stringMatching(/^nvidia [0-9a-f]{64}$/),
    ])
  },
)

test(
  claim(['T9', 'T10'], 'a workload whose hardware is not the one of the policy gets nothing'),
  async () => {
    const world = await ready()
    const [own, other] = [nvidia.device(), nvidia.device()]
    const machines: [FakeTee, string][] = [
      [snpTee(amd), 'KMS_NOT_ADMITTED'],
      [snpGpuTee(amd, nvidia, { committed: [own], shown: [other] }), 'KMS_EVIDENCE_REFUSED'],
      [snpGpuTee(amd, nvidia, { committed: [own, other] }), 'KMS_NOT_ADMITTED'],
      [snpGpuTee(fakeAmd(), nvidia), 'KMS_EVIDENCE_REFUSED'],
      [snpGpuTee(amd, fakeNvidia()), 'KMS_EVIDENCE_REFUSED'],
    ]
    for (const [machine, code] of machines) {
      const { request } = await requestFrom(world, machine)
      expect(await world.refusal('/v1/release', request)).toBe(code)
    }
    const software = await new Enclave(world.workload).request(world)
    expect(await world.refusal('/v1/release', software)).toBe('KMS_NOT_ADMITTED')
  },
)

test(claim('T10', 'a KMS on hardware takes no policy for the software TEE'), async () => {
  const world = await ready()
  world.now += 1
  await expect(world.acceptPolicy(world.proposal())).rejects.toMatchObject({ code: 'KMS_POLICY_MIXED' })
})
