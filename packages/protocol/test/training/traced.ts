import {
  chargesOf,
  type Contract,
  type NamedContract,
  planRun,
  runDigest,
  type RunOffer,
} from '../../src/contract/index.ts'
import { documentDigest } from '../../src/keyrelease/index.ts'
import { createModelManifest } from '../../src/model-manifest/index.ts'
import { type ProvenanceTraining, RUN_PREDICATE } from '../../src/room/index.ts'
import type { LineageDocuments, TracedRun } from '../../src/training/index.ts'
import { named, offerOf } from '../contract/contracts.ts'
import { banks, PRIVACY } from '../contract/trainings.ts'

const MODEL = { name: 'fraud.onnx', bytes: 100, sha256: '0a'.repeat(32), digest: '0b'.repeat(32) }
export const MANIFEST = createModelManifest({
  id: 'fraud',
  task: 'tensors',
  engine: 'onnx',
  files: [{ name: MODEL.name, sha256: MODEL.sha256, size: MODEL.bytes, role: 'weights' }],
  license: 'Apache-2.0',
  description: 'Tells fraud',
})

/** Every document of a training as it should be. Nothing in it is signed. */
export type Documents = Required<LineageDocuments>

/** A training of two banks, as its room and its KMS tell it. */
export function documents(
  contract: Contract = banks(),
  change: Partial<RunOffer> = {},
  training: Partial<ProvenanceTraining> = {},
): Documents {
  const one = named(contract)
  return {
    answer: { model: MANIFEST.digest },
    manifest: MANIFEST,
    files: [MODEL],
    output: 'model',
    run: runOf(one, { ...offerOf(one, 'learn'), ...change }, training),
    contract: one,
  }
}

function runOf(one: NamedContract, offer: RunOffer, training: Partial<ProvenanceTraining>): TracedRun {
  const run = runDigest(offer)
  const about = { genesis: offer.genesis, contract: one.digest, run }
  const image = 'e5'.repeat(32)
  const envelopes = { receipt: '01'.repeat(32), permit: '02'.repeat(32) }
  const charges = offer.resumes === undefined ? chargesOf(one.contract, 'learn') : []
  const told = { image, evidence: offer.evidence, charges, sequence: 1 }
  const outputs = [{ output: 'model', digest: MODEL.digest, bytes: MODEL.bytes }]
  return {
    run,
    offer,
    receipt: {
      format: 'sotto-run-receipt/1',
      ...about,
      ...told,
      tuple: 'room',
      hardware: ['a machine'],
      issuedAt: offer.at,
    },
    permit: { format: 'sotto-run-permit/1', ...about, outputs, issuedAt: offer.at },
    provenance: {
      _type: 'https://in-toto.io/Statement/v1',
      subject: outputs.map(({ output: name, digest }) => ({ name, digest: { sha256: digest } })),
      predicateType: RUN_PREDICATE,
      predicate: {
        ...about,
        ...told,
        ...envelopes,
        inputs: offer.inputs.map((input) => ({ ...input, sealed: '99'.repeat(32) })),
        steps: planRun(one.contract, 'learn').transforms.map(({ name, task }) => ({
          transform: name,
          kind: task.kind,
          task: documentDigest(task),
          training: {
            steps: 200,
            epsilonMicros: PRIVACY.epsilonMicros,
            deltaTrillionths: PRIVACY.deltaTrillionths,
            ...training,
          },
        })),
        startedAt: offer.at + 1,
        finishedAt: offer.at + 2,
      },
    },
    envelopes,
  }
}
