import { bindHandover, type HandoverReceipt } from '@sotto/protocol/handover'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import type { TrustedHardware } from '@sotto/serve/tee'
import { fakeAmd } from '@sotto/testkit/snp'
import { type FakeTee, snpTee } from '@sotto/testkit/tee'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { expect, test, vi } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { payloadOf, seed } from '../world.ts'
import { SUCCESSOR, UpgradeWorld } from './upgrade-world.ts'

/** Roots that stand in for those pinned in the verifier. */
const pinned = vi.hoisted(() => ({}) as Record<string, unknown>)
vi.mock('../../../verifier/src/snp/roots.ts', () => ({ snpVendorRoots: () => pinned['amd'] }))
const amd = fakeAmd()
Object.assign(pinned, { amd: amd.roots })

const own = { image: 'aa'.repeat(32), hostData: 'd4'.repeat(32) }
const pinsOf = ({ image, hostData }: typeof own): { measurement: string; hostData: string } => ({
  measurement: softwareMeasurement(image),
  hostData,
})
const guest = (tee: FakeTee, workload: typeof own): TrustedHardware => ({
  family: 'sev-snp',
  collectEvidence: async (binding) => tee.evidence(pinsOf(workload), binding),
  deriveSealingKey: () => Promise.resolve(seed(77)),
})

/** A KMS on a guest of this AMD, whose policy lets another guest take over. */
async function ready(): Promise<UpgradeWorld> {
  const world = new UpgradeWorld({ softwareRoots: undefined })
  world.now = FAKE_NOW
  const tee = snpTee(amd)
  world.hardware = guest(tee, own)
  await world.start()
  const tupleOf = (workload: typeof own, role: 'kms' | 'inference') => ({
    ...tee.platform,
    name: `${role}-${workload.image.slice(0, 2)}`,
    role,
    allOf: tee.platform.allOf.map((component) => ({ ...component, ...tee.pins(pinsOf(workload)) })),
  })
  const releaseOf = (workload: typeof own, change: object) =>
    world.logRelease(workload, { evidence: tee.pins(pinsOf(workload)), ...change })
  const releases = [
    releaseOf(world.workload, {}),
    releaseOf(own, { role: 'kms' }),
    releaseOf(SUCCESSOR, { role: 'kms', securityVersion: 2 }),
  ]
  const anyOf = [tupleOf(world.workload, 'inference'), tupleOf(SUCCESSOR, 'kms')]
  const draft = world.draft('key-release-policy', world.policy({ anyOf }))
  await world.acceptPolicy({ ...draft, releases })
  return world
}

test(
  claim(['T15', 'T8'], 'a KMS on hardware hands over to one on hardware, and the log has its chip'),
  async () => {
    const world = await ready()
    const { handedOver } = await world.take({ hardware: guest(snpTee(amd), SUCCESSOR) })
    expect(handedOver!.keys.length).toBeGreaterThan(0)
    const envelope = world.logged('application/vnd.sotto.handover-receipt+json')[0]!.envelope
    expect(payloadOf<HandoverReceipt>(envelope)).toMatchObject({
      tuple: 'kms-f6',
      hardware: [expect.stringMatching(/^sev-snp [0-9a-f]{128}$/)],
    })
  },
)

test(
  claim(['T15', 'T10'], 'a KMS on hardware hands over to none in the software TEE, or of another vendor'),
  async () => {
    const world = await ready()
    const { request } = await world.handoverRequest()
    expect(await world.refusal('/v1/handover', request)).toBe('KMS_NOT_ADMITTED')
    const evidence = snpTee(fakeAmd()).evidence(pinsOf(SUCCESSOR), bindHandover(request.binding))
    expect(await world.refusal('/v1/handover', { ...request, evidence })).toBe('KMS_EVIDENCE_REFUSED')
    const foreign = snpTee(amd).evidence(pinsOf(world.workload), bindHandover(request.binding))
    expect(await world.refusal('/v1/handover', { ...request, evidence: foreign })).toBe('KMS_NOT_ADMITTED')
  },
)
