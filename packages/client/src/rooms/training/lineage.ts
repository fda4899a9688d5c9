import { fromBase64Url } from '@sotto/protocol/bytes'
import { type Charge, type NamedContract, outputDigest, type Name, runDigest } from '@sotto/protocol/contract'
import type { ModelManifest } from '@sotto/protocol/model-manifest'
import type { InferenceReceipt, SavedReceipt } from '@sotto/protocol/receipts'
import type { ProvenanceInput } from '@sotto/protocol/room'
import {
  chargesOfTraced,
  type LineageLink,
  type ModelOrigin,
  ownerOf,
  parseMetrics,
  type ReadFile,
  traceModel,
  type TracedRun,
  type TrainingMetrics,
} from '@sotto/protocol/training'
import { type ReceiptSubject, refusingSteps, type TrustPolicy, verifyReceipt } from '@sotto/verifier'
import { clientError } from '../../errors.ts'
import { auditRuns } from '../audit/index.ts'
import { plain } from '../audit/plain.ts'
import type { RunProof } from '../room/proof.ts'
import { attempt } from './attempt.ts'
import { judgeOrigin } from './judge-origin.ts'

/** What a chain is made of. All of it may come from anybody. */
export interface LineageGiven {
  /** Where the files say what model they are. */
  manifest?: ModelManifest
  /** As they were read, with the salt of the origin: `readFiles`. */
  files: readonly ReadFile[]
  origin: ModelOrigin
  /** Receipt of an answer, and what it is about where that is here. */
  answer?: { receipt: SavedReceipt; subject?: ReceiptSubject }
  /** Of the same run, with the contract: its parties have it. */
  proof?: RunProof
}

/** An input that a model learned from, or that its training read. */
export interface LineageInput extends ProvenanceInput {
  /** Where the contract is here. */
  owner?: Name
  charges: Charge[]
}

/** The chain from an answer to the owners of what a model learned from. Only what is authentic is in it. */
export interface Lineage {
  /** No link is broken. What is missing does not count: see the links. */
  ok: boolean
  links: LineageLink[]
  answer?: InferenceReceipt
  manifest?: ModelManifest
  files: readonly ReadFile[]
  output: Name
  run?: TracedRun
  contract?: NamedContract
  inputs: LineageInput[]
  /** Whether a software TEE is part of the chain. */
  software: boolean
}

/**
 * Verifies the chain from an answer to the owners of what its model learned from, without a network: every statement for
 * itself, and each link between two of them. Every link has a verdict, and what does not hold adds nothing to the rest.
 *
 * Without a proof of the run, which holds the contract, it ends with names and digests of inputs: whose they are, what the
 * parties agreed on and whether the run kept it, only parties can tell.
 */
export function traceLineage(given: LineageGiven, policy: TrustPolicy): Lineage {
  const { manifest, files, origin, answer, proof } = given
  const links: LineageLink[] = []
  const receipt = answer && answerOf(answer, policy, links)
  const { links: judged, run, verdict } = judgeOrigin(origin, policy)
  links.push(...judged)
  const contract = contractOf(proof, origin, policy, links)
  links.push(
    ...traceModel({
      ...(receipt && { answer: receipt }),
      ...(manifest && { manifest }),
      files,
      output: origin.output,
      ...(run && { run }),
      ...(contract && { contract }),
    }),
  )
  return {
    ok: links.every(({ status }) => status !== 'fail'),
    links: inOrder(links),
    ...(receipt && { answer: receipt }),
    ...(manifest && { manifest }),
    files,
    output: origin.output,
    ...(run && { run }),
    ...(contract && { contract }),
    inputs: inputsOf(run, contract),
    software: verdict?.software === true,
  }
}

/**
 * A chain that is not broken anywhere.
 * @throws `MODEL_LINEAGE` naming the first link that is, with what was expected and found
 */
export function requireLineage({ links }: Pick<Lineage, 'links'>): void {
  const broken = links.filter(({ status }) => status === 'fail')
  const [first] = broken
  if (first === undefined) return
  throw clientError('MODEL_LINEAGE', `the chain is broken: ${broken.map(({ name }) => name).join(', ')}`, {
    ...(first.expected !== undefined && { expected: first.expected }),
    ...(first.found !== undefined && { found: first.found }),
  })
}

/**
 * Figures that the same run let out.
 * @param origin of that output, kept beside it
 * @throws `MODEL_LINEAGE` it is no output of this run; `JCS_MALFORMED`, `JCS_FIELD` it holds no figures
 */
export function figuresOf(
  bytes: Uint8Array,
  { output, salt, offered }: ModelOrigin,
  { run, permit }: Pick<TracedRun, 'run' | 'permit'>,
): TrainingMetrics {
  const digest = outputDigest(fromBase64Url(salt), [bytes])
  const permitted = permit.outputs.find((one) => one.output === output)
  if (runDigest(offered.offer) !== run || permitted?.digest !== digest)
    throw clientError('MODEL_LINEAGE', 'the figures are of another run, or were changed', {
      expected: permitted?.digest ?? `an output of the run ${run}`,
      found: digest,
    })
  return parseMetrics(bytes)
}

function answerOf(
  { receipt, subject }: NonNullable<LineageGiven['answer']>,
  policy: TrustPolicy,
  links: LineageLink[],
): InferenceReceipt | undefined {
  // Without the bundle that was verified before the request, what the KMS is made of rests on its word.
  const what =
    receipt.trust === undefined
      ? 'An enclave that your KMS gave keys to signed the answer'
      : 'An enclave that passes your policy signed the answer'
  const about = { name: 'answer.receipt', what }
  return attempt(links, about, [], () => {
    const { ok, steps, receipt: stated } = verifyReceipt(receipt, policy, subject)
    if (ok && stated !== undefined) return stated
    throw clientError('RECEIPT_INVALID', 'the receipt does not hold', {
      found: refusingSteps(steps.filter(({ status }) => status === 'fail'))
        .map(({ name, reason }) => `${name}: ${reason}`)
        .join('; '),
    })
  })
}

const KEPT = { name: 'contract.kept', what: 'The run did what its contract says, and cost what it says' }

/** The contract of a run whose every check passes, and that is the run of the origin. */
function contractOf(
  proof: RunProof | undefined,
  { offered }: ModelOrigin,
  policy: TrustPolicy,
  links: LineageLink[],
): NamedContract | undefined {
  if (proof === undefined) {
    links.push({
      ...KEPT,
      status: 'missing',
      expected: 'the proof of the run, which parties have',
      found: 'none',
    })
    return undefined
  }
  return attempt(links, KEPT, [], () => {
    const run = runDigest(offered.offer)
    if (runDigest(proof.offered.offer) !== run)
      throw clientError('ROOM_PROOF', 'the proof is of another run', {
        expected: run,
        found: runDigest(proof.offered.offer),
      })
    const { contract, checks } = auditRuns([proof], policy)
    const broken = checks.find(({ status }) => status === 'fail')
    if (broken === undefined && contract !== undefined) return contract
    throw clientError('ROOM_PROOF', `the proof of the run does not hold: ${broken?.name}`, {
      ...(broken?.expected !== undefined && { expected: broken.expected }),
      ...(broken?.found !== undefined && { found: broken.found }),
    })
  })
}

function inputsOf(run: TracedRun | undefined, contract: NamedContract | undefined): LineageInput[] {
  return (run?.provenance.predicate.inputs ?? []).map((input) => {
    const owner = contract && ownerOf(contract, input.input)
    return {
      ...input,
      ...(owner !== undefined && { owner }),
      charges: chargesOfTraced(run!).filter((charge) => charge.input === input.input),
    }
  })
}

/** Parts of the chain, from its end. */
export const LINEAGE_PARTS = ['answer', 'model', 'run', 'contract', 'inputs'] as const
export type LineagePart = (typeof LINEAGE_PARTS)[number]

/** Which part of the chain a link is of. */
export function partOf({ name }: Pick<LineageLink, 'name'>): LineagePart {
  return name.slice(0, name.indexOf('.')) as LineagePart
}

function inOrder(links: readonly LineageLink[]): LineageLink[] {
  return LINEAGE_PARTS.flatMap((part) => links.filter((one) => partOf(one) === part)).map(
    ({ expected, found, ...rest }) => ({
      ...rest,
      ...(expected !== undefined && { expected: plain(expected) }),
      ...(found !== undefined && { found: plain(found) }),
    }),
  )
}
