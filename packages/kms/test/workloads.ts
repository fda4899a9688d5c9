import { fromUtf8, toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  bindReportData,
  type Component,
  type EnclaveBinding,
  evidenceDigest,
  type ReleasedKeys,
  releaseInfo,
  type ReleaseRequest,
  type ReleaseResponse,
  unwrapSecret,
  WRAP_SUITE,
} from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { checkpointDigest } from '@sotto/protocol/note'
import type { TrustedHardware } from '@sotto/serve/tee'
import { softwareRootDigest } from '@sotto/verifier'
import { signSoftwareReport } from '@sotto/verifier/software-signer'
import { policyDigestOf, seed } from './members.ts'
import type { World } from './world.ts'

export const KMS_IMAGE: string = 'a1'.repeat(32)
export const ENCLAVE_IMAGE: string = 'b2'.repeat(32)

/** A P-384 key that stands for a machine; made once, because it is slow. */
const MACHINE = crypto.ecdsa.generate('P-384')
export const ROOT: string = softwareRootDigest(MACHINE.publicKey)

/** What launches workloads in the software TEE: image, configuration and chip of one of them. */
export interface Workload {
  image: string
  hostData: string
  chip?: number
  machine?: { privateKey: Uint8Array; publicKey: Uint8Array }
}

/** What evidence of this workload says. */
export function componentOf({ image, hostData }: Workload): Component {
  return { family: 'software', measurements: [softwareMeasurement(image)], hostData: [hostData] }
}

export function hardwareOf(workload: Workload): TrustedHardware {
  const machine = workload.machine ?? MACHINE
  return {
    family: 'software',
    async collectEvidence(reportData) {
      const fields = {
        measurement: softwareMeasurement(workload.image),
        hostData: workload.hostData,
        reportData,
        chipId: new Uint8Array(64).fill(workload.chip ?? 1),
      }
      const report = signSoftwareReport(fields, machine.privateKey)
      const collateral = { root: toBase64Url(machine.publicKey) }
      return [{ family: 'software', evidence: toBase64Url(report), collateral }]
    },
    deriveSealingKey: () => Promise.resolve(seed(77)),
  }
}

/** One enclave boot: its keys never leave it. */
export class Enclave {
  readonly workload: Workload
  readonly wrapKey = WRAP_SUITE.kem.generate()
  readonly receiptKey = crypto.ed25519.generate()

  constructor(workload: Workload) {
    this.workload = workload
  }

  async request(
    world: World,
    change: { binding?: Partial<EnclaveBinding>; note?: string; artifacts?: string[] } = {},
  ): Promise<ReleaseRequest> {
    const checkpoint = change.note ?? world.log.note()
    const binding: EnclaveBinding = {
      version: 1,
      genesis: world.genesis,
      wrapKey: toBase64Url(this.wrapKey.publicKey),
      receiptKey: toBase64Url(this.receiptKey.publicKey),
      checkpoint: checkpointDigest(checkpoint),
      ...change.binding,
    }
    const evidence = await hardwareOf(this.workload).collectEvidence(bindReportData('enclave', binding))
    return { evidence, binding, checkpoint, artifacts: change.artifacts ?? [] }
  }

  open(request: ReleaseRequest, response: ReleaseResponse, genesis: string): ReleasedKeys {
    const policy = policyDigestOf(response.policy.envelope)
    const evidence = evidenceDigest(request.evidence)
    const info = releaseInfo({ genesis, policy, evidence })
    return JSON.parse(fromUtf8(unwrapSecret(this.wrapKey, info, response))) as ReleasedKeys
  }
}
