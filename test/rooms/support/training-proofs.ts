import { fromUtf8, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { epsilonMicrosFor, outputDigest, planRun, runDigest, type TrainTask } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type DsseSigner, signDsse } from '@sotto/protocol/dsse'
import { proveStatement } from '@sotto/protocol/evidence'
import {
  documentDigest,
  encodeDocument,
  PAYLOAD_TYPES,
  type ReleaseResponse,
} from '@sotto/protocol/keyrelease'
import { createModelManifest, type ModelManifest } from '@sotto/protocol/model-manifest'
import { parseCheckpoint, parseNote } from '@sotto/protocol/note'
import { type InferenceReceipt, type SavedReceipt, saltRequest, saltResponse } from '@sotto/protocol/receipts'
import { type ChargedRun, encodeMetrics, type ModelOrigin, type ReadFile } from '@sotto/protocol/training'
import type { RunProof } from '@sotto/client/rooms'
import { originOf } from '@sotto/client/rooms/training'
import { createLogClient } from '@sotto/serve/log-client'
import { bundleOf } from '../../../packages/kms/test/client.ts'
import { contractOf, ROOM, type RoomWorld } from '../../../packages/kms/test/contracts/room-world.ts'
import { Enclave } from '../../../packages/kms/test/world.ts'
import { payloadOf, ProofWorld, type RoomLies } from './run-proofs.ts'

const TERMS = {
  sampleRateNanos: 50_000_000,
  noiseMicros: 1_200_000,
  deltaTrillionths: 10_000_000,
  noise: 'gaussian',
} as const
const STEPS = 50
const METRICS_EPSILON = 100_000
export const EPSILON_MICROS = epsilonMicrosFor(TERMS, { steps: STEPS })

/** A training with a guarantee, of tables of a bank and a shop, that is measured with noise. */
export function trainTask(): TrainTask {
  return {
    kind: 'train',
    recipe: { kind: 'linear' },
    data: {
      tables: ['accounts', 'purchases'],
      features: [{ column: 'amount', kind: 'number', min: 0, max: 100, decimals: 0 }],
      label: { column: 'customer', kind: 'category', values: ['a', 'b'] },
    },
    validation: { splitNanos: 200_000_000 },
    descent: {
      steps: STEPS,
      batch: 32,
      optimiser: { kind: 'sgd', momentumMicros: 0, weightDecayMicros: 0 },
      schedule: { kind: 'constant', rateNanos: 100_000_000, warmupSteps: 0, floorMicros: 0 },
    },
    privacy: { ...TERMS, clipMicros: 1_000_000, maxRowsPerContributor: 1, epsilonMicros: EPSILON_MICROS },
    metrics: ['accuracy', 'auc'],
    metricsEpsilonMicros: METRICS_EPSILON,
    show: 'steps',
    limits: { memoryBytes: 2 ** 28, seconds: 60 },
  }
}

/** Members of an offer of the training; it is of no query. */
const LEARN = { transform: 'learn', template: undefined as never }

/** What left one training. */
export interface Trained {
  proof: RunProof
  model: { bytes: Uint8Array; origin: ModelOrigin; manifest: ModelManifest; files: readonly ReadFile[] }
  figures: { bytes: Uint8Array; origin: ModelOrigin }
}

/** A KMS in memory, and rooms that train models which the test makes up. */
export class TrainingWorld {
  readonly proofs: ProofWorld
  private constructor(proofs: ProofWorld) {
    this.proofs = proofs
  }

  get world(): RoomWorld {
    return this.proofs.world
  }

  static async open(): Promise<TrainingWorld> {
    const uses = [
      {
        transform: 'learn',
        runs: 50,
        epsilonMicros: 50 * (EPSILON_MICROS + METRICS_EPSILON),
        deltaTrillionths: 10 ** 9,
      },
    ]
    // The members of a contract that need no world.
    const { inputs } = contractOf('00'.repeat(32), 1000)
    return new TrainingWorld(
      await ProofWorld.open({
        title: 'one model',
        salt: toBase64Url(crypto.randomBytes(32)),
        inputs: inputs.map((input) => ({ ...input, uses, rules: { ...input.rules, noisy: true } })),
        transforms: [
          { name: 'learn', reads: ['accounts', 'purchases'], room: [ROOM.image], task: trainTask() },
        ],
        outputs: [
          { name: 'model', from: 'learn', receivers: ['bank', 'shop'], maxBytes: 4096 },
          { name: 'figures', from: 'learn', part: 'metrics', receivers: ['bank', 'shop'], maxBytes: 4096 },
        ],
      }),
    )
  }

  /** A training that was charged, and ends before anything of it leaves. */
  async begin(): Promise<ChargedRun> {
    const { world } = this
    const run = await world.offer(LEARN)
    const { receipt } = await world.run(run)
    return { offer: run.offer, receipt }
  }

  /** One more training. @param lies what the room says of it; @param charged the one that it goes on with */
  async train(lies: RoomLies & { training?: object } = {}, charged?: ChargedRun): Promise<Trained> {
    const { world } = this
    const resumed = charged && { resumes: runDigest(charged.offer) }
    const run = await world.offer({ ...LEARN, ...resumed, ...lies.offer })
    const { receipt } = await world.run(run)
    const model = utf8(`weights ${run.id}`)
    const figures = encodeMetrics({
      v: 1,
      steps: STEPS,
      metrics: [
        { metric: 'accuracy', split: 'validation', valueMicros: 846_500, epsilonMicros: METRICS_EPSILON / 2 },
        { metric: 'auc', split: 'validation', valueMicros: 899_100, epsilonMicros: METRICS_EPSILON / 2 },
      ],
    })
    const [modelSalt, figuresSalt] = [crypto.randomBytes(32), crypto.randomBytes(32)]
    const outputs = [
      { output: 'model', digest: outputDigest(modelSalt, [model]), bytes: model.length },
      { output: 'figures', digest: outputDigest(figuresSalt, [figures]), bytes: figures.length },
    ]
    const { permit } = await world.ok<{ permit: string }>(world.result(run, { outputs }))
    const steps = planRun(world.contract, 'learn').transforms.map(({ name, task }) => ({
      transform: name,
      kind: task.kind,
      task: documentDigest(task),
      training: {
        steps: STEPS,
        graph: '7a'.repeat(32),
        epsilonMicros: EPSILON_MICROS,
        deltaTrillionths: TERMS.deltaTrillionths,
        ...lies.training,
      },
    }))
    const proof = await this.proofs.proofOf(
      run,
      { receipt, permit },
      { ...lies, predicate: { steps, ...lies.predicate } },
    )
    const read = fileOf('scorer.onnx', model, modelSalt)
    return {
      proof,
      model: {
        bytes: model,
        origin: originOf(proof, { name: 'model', salt: toBase64Url(modelSalt) }, charged),
        manifest: createModelManifest({
          id: 'scorer',
          task: 'tensors',
          engine: 'onnx',
          files: [{ name: read.name, sha256: read.sha256, size: read.bytes, role: 'weights' }],
        }),
        files: [read],
      },
      figures: {
        bytes: figures,
        origin: originOf(proof, { name: 'figures', salt: toBase64Url(figuresSalt) }),
      },
    }
  }

  /** The receipt of an answer of a model, by an enclave that got its keys from the same KMS. */
  async answerOf(model: string): Promise<SavedReceipt> {
    const { world } = this
    const enclave = new Enclave(world.workload)
    const { body } = await world.call('/v1/release', await enclave.request(world))
    const { receipt: release } = body as unknown as ReleaseResponse
    const { log, witnesses } = world.config
    const reader = createLogClient({ ...log, witnesses, fetch: world.log.fetch })
    const checkpoint = await reader.latest()
    const bundle = await bundleOf(world)
    const { genesis, keyIds, policy, evidence } = payloadOf<{
      genesis: string
      keyIds: number[]
      policy: string
      evidence: string
    }>(release.envelope)
    const salt = crypto.randomBytes(32)
    const { size, root } = parseCheckpoint(parseNote(checkpoint.note).text)
    const empty = crypto.sha256(new Uint8Array())
    const receipt: InferenceReceipt = {
      version: 1,
      genesis,
      request: saltRequest(salt, { method: 'POST', path: '/v2/models/scorer/infer', contentType: '' }, empty),
      response: saltResponse(salt, { status: 200, contentType: '' }, empty),
      model,
      keyId: keyIds[0]!,
      policy,
      evidence,
      after: { size, root: toHex(root) },
    }
    const signer: DsseSigner = {
      secretSeed: enclave.receiptKey.seed,
      publicKey: enclave.receiptKey.publicKey,
    }
    const prover = reader.prover(checkpoint)
    return {
      version: 1,
      envelope: fromUtf8(signDsse(PAYLOAD_TYPES.inferenceReceipt, encodeDocument(receipt), [signer])),
      salt: toBase64Url(salt),
      certificate: {
        release: await proveStatement(release, prover),
        certificate: await proveStatement(bundle.kms.certificate, prover),
        genesis: await proveStatement(bundle.genesis, prover),
        checkpoint: checkpoint.note,
      },
    }
  }
}

function fileOf(name: string, content: Uint8Array, salt: Uint8Array): ReadFile {
  return {
    name,
    bytes: content.length,
    sha256: toHex(crypto.sha256(content)),
    digest: outputDigest(salt, [content]),
  }
}
