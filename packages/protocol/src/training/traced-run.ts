/** What is known of a trained model and of the run that made it, every document by itself authentic. */
import type { Charge, Name, NamedContract, RunOffer, RunPermit, RunReceipt } from '../contract/index.ts'
import type { Digest } from '../keyrelease/index.ts'
import type { ModelManifest } from '../model-manifest/index.ts'
import type { InferenceReceipt } from '../receipts/index.ts'
import type { ProvenanceStep, RunProvenance } from '../room/index.ts'

/** `missing`: what it would be checked with is not here. It is no failure, and no pass either. */
export type LinkStatus = 'pass' | 'fail' | 'missing'

/** One link, and whether it holds. */
export interface LineageLink {
  /** Stable and dotted: `model.output`. */
  name: string
  /** For people: what holds where it passes. */
  what: string
  status: LinkStatus
  /** Code of the refusal, of a document that is not authentic. */
  code?: string
  expected?: string
  found?: string
}

/** A file of a model, as it was read. */
export interface ReadFile {
  name: string
  bytes: number
  sha256: Digest
  /** `outputDigest` of it with the salt of the origin. */
  digest: Digest
}

/** A run, every statement of which is authentic. */
export interface TracedRun {
  run: Digest
  offer: RunOffer
  receipt: RunReceipt
  permit: RunPermit
  provenance: RunProvenance
  /** Of a run that goes on with another: what that one was charged. */
  charged?: RunReceipt
  /** SHA-256 of what the KMS signed, as the room names it. */
  envelopes: { receipt: Digest; permit: Digest }
}

/** What is known of a model. What is absent is not here, or not authentic. */
export interface LineageDocuments {
  /** Of an answer, whose receipt was verified. */
  answer?: Pick<InferenceReceipt, 'model'>
  manifest?: Pick<ModelManifest, 'engine' | 'task' | 'files' | 'base'>
  files: readonly ReadFile[]
  /** Name of the output that the model is said to be. */
  output: Name
  run?: TracedRun
  /** For parties: the others see its digest only. */
  contract?: NamedContract
}

/** Who brought an input; undefined where the contract has none of that name. */
export function ownerOf({ contract }: NamedContract, input: Name): Name | undefined {
  return contract.inputs.find(({ name }) => name === input)?.owner
}

/** What was taken from budgets for a run: where it goes on with another, that one was charged. */
export function chargesOfTraced({
  receipt,
  charged,
}: Pick<TracedRun, 'receipt' | 'charged'>): readonly Charge[] {
  return (charged ?? receipt).charges
}

/** The step that made what left, as its room tells it. */
export function trainedStep({
  offer,
  provenance,
}: Pick<TracedRun, 'offer' | 'provenance'>): ProvenanceStep | undefined {
  return provenance.predicate.steps.find(({ transform }) => transform === offer.transform)
}
