import { fromBase64Url, fromUtf8 } from '@sotto/protocol/bytes'
import { planRun, RUN_TYPES, runDigest, type RunOffer, type RunResult } from '@sotto/protocol/contract'
import { signDsse } from '@sotto/protocol/dsse'
import { encodeDocument, evidenceDigest } from '@sotto/protocol/keyrelease'
import { createKmsCalls, type KmsCalls } from '../../../../packages/enclave/src/room/kms/kms-calls.ts'
import {
  obtainPermit,
  obtainRunKeys,
  type ReleasedRun,
  type VerifiedForRun,
} from '../../../../packages/enclave/src/room/runs/kms-run.ts'
import type { RunJob } from '../../../../packages/enclave/src/room/runs/run-job.ts'
import { createReceiptKey } from '../../../../packages/enclave/src/release/index.ts'
import { ROOM } from '../../../../packages/kms/test/contracts/room-world.ts'
import { Enclave, type Workload } from '../../../../packages/kms/test/world.ts'
import type { RoomScene } from './room-scene.ts'

/** A run whose room is in the hands of a test: its keys, its evidence, and whom it asks. */
export class JobInRoom {
  readonly scene: RoomScene
  readonly enclave: Enclave
  readonly job: RunJob
  readonly consents: string[]

  private constructor(scene: RoomScene, enclave: Enclave, job: RunJob) {
    this.scene = scene
    this.enclave = enclave
    this.job = job
    this.consents = ['bank', 'shop'].map((party) =>
      scene.lab.world.signed('consent', party, { run: job.run }),
    )
  }

  /** @param change of what the room offers, after its evidence is made */
  static async open(
    scene: RoomScene,
    change: Partial<RunOffer> = {},
    workload: Workload = ROOM,
    note?: string,
  ): Promise<JobInRoom> {
    const { world } = scene.lab
    const { offer: plain } = await scene.offer()
    const enclave = new Enclave(workload)
    const { evidence, binding, checkpoint } = await enclave.request(world, {
      ...(note !== undefined && { note }),
    })
    const { wrapKey, receiptKey } = binding
    const offer: RunOffer = { ...plain, wrapKey, receiptKey, evidence: evidenceDigest(evidence), ...change }
    const { contract, digest } = world
    const job = {
      offer,
      shown: { evidence, binding, checkpoint },
      run: runDigest(offer),
      wrap: enclave.wrapKey,
      signer: createReceiptKey(),
      plan: planRun(contract, offer.transform),
      named: { contract, digest },
      statements: [],
      access: scene.lab.access,
    }
    return new JobInRoom(scene, enclave, job)
  }

  /** The KMS itself, asked as a room does. */
  get kms(): KmsCalls {
    const { world } = this.scene.lab
    return createKmsCalls({
      async contracts(bytes) {
        const body = bytes as Uint8Array<ArrayBuffer>
        const response = await world.app(
          new Request('http://kms.test/v1/contracts', { method: 'POST', body }),
        )
        return new Uint8Array(await response.arrayBuffer())
      },
    })
  }

  get #service(): VerifiedForRun {
    const { own, statementKey } = this.scene.lab.world.kms.view.boot
    return { importKey: own.binding.importKey, signingKeys: [fromBase64Url(statementKey.publicKey)] }
  }

  /** What a room asks of the KMS to begin. */
  asked(): Parameters<KmsCalls['run']>[0] {
    const { offer, shown } = this.job
    return { call: 'run', offer, consents: this.consents, request: { ...shown, artifacts: [] } }
  }

  keys(kms: KmsCalls = this.kms): Promise<ReleasedRun> {
    return obtainRunKeys(this.job, this.consents, kms, this.#service)
  }

  /** What this room says that it made. */
  result(change: Partial<RunResult> = {}): string {
    const { genesis, contract } = this.job.offer
    const { seed: secretSeed, publicKey } = this.enclave.receiptKey
    const document: RunResult = {
      format: 'sotto-run-result/1',
      genesis,
      contract,
      run: this.job.run,
      outputs: [MADE],
      at: this.scene.lab.world.now,
      ...change,
    }
    return fromUtf8(signDsse(RUN_TYPES.result, encodeDocument(document), [{ secretSeed, publicKey }]))
  }

  permit(
    kms: KmsCalls = this.kms,
    result: string = this.result(),
    approvals: string[] = [],
  ): Promise<string> {
    return obtainPermit(this.job, { result, outputs: [MADE], approvals }, kms, this.#service)
  }

  /** Signs as the KMS does: what a test lets it say is false. */
  asKms(type: string, document: object): string {
    return this.scene.lab.world.kms.view.boot.statementKey.sign(type, document)
  }
}

export const MADE = { output: 'summaries', digest: 'dd'.repeat(32), bytes: 100 }
