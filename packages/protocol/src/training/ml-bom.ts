/** The bill of materials of a trained model: CycloneDX 1.6 (ECMA-424), with its model card. Same model, same bytes. */
import type { Name, NamedContract } from '../contract/index.ts'
import { cycloneHead } from '../cyclonedx/index.ts'
import { type Digest, documentDigest } from '../keyrelease/index.ts'
import type { ModelManifest } from '../model-manifest/index.ts'
import type { ProvenanceInput } from '../room/index.ts'
import { type InputUse, learnedParameters, learningTask, useOf } from './learned.ts'
import { chargesOfTraced, ownerOf, type TracedRun, trainedStep } from './traced-run.ts'
import type { TrainingMetric, TrainingMetrics } from './metrics.ts'
import { limitsOf, riskOf } from './model-card.ts'

/** What a bill is made of. All of it was verified: see `traceModel`. */
export interface MlBomAbout {
  manifest: ModelManifest
  run: TracedRun
  /** Names, owners and kinds of inputs, and what was trained, are told where it is here. */
  contract?: NamedContract
  /** Figures that left the same run. */
  metrics?: TrainingMetrics
  /** Where whoever reads the bill finds the origin, and its SHA-256. */
  origin: { file: string; digest: Digest }
  /** Whether a software TEE is part of the chain: whoever reads the bill is told. */
  software: boolean
}

interface Property {
  name: string
  value: string
}

/** The document, two spaces deep as people read it. */
export function renderMlBom(about: MlBomAbout): string {
  const { manifest, run } = about
  const model = modelRef(manifest)
  const inputs = run.provenance.predicate.inputs
  return `${JSON.stringify(
    {
      // A model may come of one run, and a run of one model: together they are what the document is about.
      ...cycloneHead(documentDigest({ model: manifest.digest, run: run.run })),
      metadata: { component: modelComponent(about) },
      components: inputs.map((input) => dataComponent(input, about)),
      dependencies: [
        { ref: model, dependsOn: inputs.map(dataRef).sort() },
        ...inputs.map((input) => ({ ref: dataRef(input) })),
      ],
      formulation: [formula(about)],
    },
    null,
    2,
  )}\n`
}

function modelComponent(about: MlBomAbout): object {
  const { manifest, run, origin } = about
  return {
    type: 'machine-learning-model',
    'bom-ref': modelRef(manifest),
    name: manifest.id,
    // Nobody numbers a model: its digest tells one from another.
    version: manifest.digest,
    ...(manifest.description !== undefined &&
      manifest.description !== '' && { description: manifest.description }),
    ...(manifest.license !== undefined &&
      manifest.license !== '' && { licenses: [{ license: { name: manifest.license } }] }),
    ...(manifest.base !== undefined && {
      pedigree: {
        ancestors: [
          { type: 'machine-learning-model', name: `model ${manifest.base}`, version: manifest.base },
        ],
      },
    }),
    externalReferences: [
      {
        type: 'evidence',
        url: encodeURI(origin.file),
        comment: 'What the room and the KMS of the run signed: sotto models lineage verifies it, offline.',
        hashes: [sha256(origin.digest)],
      },
      { type: 'formulation', url: `#${runRef(run)}`, comment: 'The run that trained it.' },
    ],
    components: manifest.files.map(({ name, sha256: digest, role }) => ({
      type: 'file',
      'bom-ref': `file:${name}`,
      name,
      hashes: [sha256(digest)],
      properties: [{ name: 'sotto:role', value: role }],
    })),
    modelCard: modelCard(about),
    properties: [{ name: 'sotto:model', value: manifest.digest }],
  }
}

/** Of what a model only tells something, it has nothing. */
const OF_MODEL: ReadonlySet<InputUse> = new Set(['learned from', 'begun with', 'measured with'])

function modelCard({ manifest, run, contract, metrics }: MlBomAbout): object {
  const task = learningTask(run, contract)
  const figures = metrics?.metrics ?? []
  return {
    modelParameters: {
      ...(task === undefined ? { task: manifest.task } : learnedParameters(task)),
      datasets: run.provenance.predicate.inputs
        .filter(({ input }) => task === undefined || OF_MODEL.has(useOf(task, input)))
        .map((input) => ({ ref: dataRef(input) })),
    },
    ...(figures.length > 0 && { quantitativeAnalysis: { performanceMetrics: figures.flatMap(figuresOf) } }),
    considerations: {
      technicalLimitations: limitsOf(figures),
      ethicalConsiderations: [riskOf(trainedStep(run)?.training)],
    },
  }
}

/** A figure; of fine-tuning also that of the model that was given. */
function figuresOf({ metric, split, valueMicros, baseMicros }: TrainingMetric): object[] {
  const figure = (micros: number, slice: string): object => ({
    type: metric,
    value: String(micros / 1_000_000),
    slice,
  })
  return [
    figure(valueMicros, split),
    ...(baseMicros === undefined ? [] : [figure(baseMicros, `${split}, before the first step`)]),
  ]
}

/** Sealed data that nobody but the run has read: they are named by digests, and by whom they belong to. */
function dataComponent(input: ProvenanceInput, { contract, run }: MlBomAbout): object {
  const task = learningTask(run, contract)
  const owner = contract && ownerOf(contract, input.input)
  const kind = contract?.contract.inputs.find(({ name }) => name === input.input)?.kind
  return {
    type: 'data',
    'bom-ref': dataRef(input),
    name: input.input,
    hashes: [sha256(input.sealed)],
    data: [
      {
        type: kind === 'code' ? 'source-code' : kind === 'model' ? 'other' : 'dataset',
        name: input.input,
        contents: {
          properties: [
            { name: 'sotto:content', value: input.content },
            { name: 'sotto:artifact', value: input.artifact },
            ...(task === undefined ? [] : [{ name: 'sotto:use', value: useOf(task, input.input) }]),
            ...(input.model === undefined ? [] : [{ name: 'sotto:model', value: input.model }]),
          ],
        },
        ...(owner !== undefined && { governance: { owners: [{ organization: { name: owner } }] } }),
      },
    ],
  }
}

/** How it was made: in which room, on whose word, and at which price. */
function formula({ run, software }: MlBomAbout): object {
  const { receipt, envelopes, provenance } = run
  const { training } = trainedStep(run) ?? {}
  const time = (seconds: number): string => new Date(seconds * 1000).toISOString()
  const { startedAt, finishedAt } = provenance.predicate
  return {
    'bom-ref': runRef(run),
    components: [
      {
        type: 'platform',
        'bom-ref': `image:${receipt.image}`,
        name: 'sotto-room',
        properties: properties({
          'sotto:measurement': receipt.image,
          'sotto:evidence': receipt.evidence,
          'sotto:hardware': receipt.hardware.join(', '),
          ...(software && { 'sotto:software-tee': 'not hardware' }),
        }),
      },
    ],
    properties: [
      ...properties({
        'sotto:run': run.run,
        ...(run.offer.resumes !== undefined && { 'sotto:resumes': run.offer.resumes }),
        'sotto:sequence': String(receipt.sequence),
        'sotto:genesis': receipt.genesis,
        'sotto:contract': receipt.contract,
        'sotto:run-receipt': envelopes.receipt,
        'sotto:run-permit': envelopes.permit,
        'sotto:started': time(startedAt),
        'sotto:finished': time(finishedAt),
        'sotto:steps': String(training?.steps ?? 0),
        ...(training?.graph !== undefined && { 'sotto:train-graph': training.graph }),
      }),
      ...chargesOfTraced(run).map(({ input, transform, epsilonMicros = 0, deltaTrillionths = 0 }) => ({
        name: 'sotto:charge',
        value: `${input} for ${transform}: 1 run, epsilon ${epsilonMicros / 1_000_000}, delta ${Number(`${deltaTrillionths}e-12`)}`,
      })),
    ],
  }
}

function properties(values: Readonly<Record<string, string>>): Property[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}

function sha256(content: Digest): object {
  return { alg: 'SHA-256', content }
}

function modelRef({ digest }: ModelManifest): string {
  return `model:${digest}`
}

function dataRef({ input }: { input: Name }): string {
  return `data:${input}`
}

function runRef({ run }: TracedRun): string {
  return `run:${run}`
}
