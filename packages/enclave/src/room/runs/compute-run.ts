import {
  type FinetuneTask,
  isTraining,
  type Name,
  type OutputPart,
  type RunPlan,
  type TrainTask,
  type Transform,
} from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type Digest, documentDigest } from '@sotto/protocol/keyrelease'
import type { ProvenanceStep, RunCheckpoint } from '@sotto/protocol/room'
import type { BoardFiles } from '../board/board-files.ts'
import { roomRoleError } from '../errors.ts'
import { RunInputs } from '../inputs/run-inputs.ts'
import { type ClearOutput, nameOutput } from '../outputs/seal-output.ts'
import { requireOverlap } from '../overlap/require-overlap.ts'
import { encodeResult, type StepResult, textOf } from '../results.ts'
import { runStep } from '../steps/run-step.ts'
import type { StepTools } from '../steps/types.ts'
import type { RunJob } from './run-job.ts'

/** What computing takes. */
export interface ComputeOptions {
  /** Of each input of the plan, in its order; overwritten. */
  contentKeys: readonly Uint8Array[]
  tools: StepTools
  board: BoardFiles
  /** Bytes of what one step makes for another. */
  maxResultBytes: number
  /** 32 bytes of this run only, that all of its chance follows from; overwritten. Default: drawn here. */
  secret?: Uint8Array
  signal: AbortSignal
  /** Told of a state of a training that is on the board. */
  onKept(checkpoint: RunCheckpoint): void
  onProgress(transform: Name, done: number, of: number, lossMicros?: number): void
}

/** What a run made: still in the room, and nobody's yet. */
export interface ComputedRun {
  outputs: ClearOutput[]
  steps: ProvenanceStep[]
  models: ReadonlyMap<Name, Digest>
}

/**
 * Computes what a run is for: every step, then the rules that hold for what comes out. What breaks a rule leaves nothing.
 * Inputs, keys and results of steps are forgotten at the end, however it ends.
 * @throws codes of steps, `ROOM_OVERLAP`, `ROOM_OUTPUT`
 */
export async function computeRun(job: RunJob, options: ComputeOptions): Promise<ComputedRun> {
  const { plan, statements, access, offer, goesOnFrom } = job
  const { tools, board, signal, secret = crypto.randomBytes(32) } = options
  const inputs = new RunInputs({
    sources: plan.inputs.map((input, at) => ({
      input,
      statement: statements[at]!,
      contentKey: options.contentKeys[at]!,
    })),
    board,
    access,
    signal,
  })
  try {
    const results = new Map<Name, StepResult>()
    const transcripts: string[] = []
    const models = new Map<Name, Digest>()
    for (const transform of plan.transforms) {
      signal.throwIfAborted()
      const result = await runStep({
        transform,
        plan,
        offer,
        maxBytes: transform === plan.transforms.at(-1) ? largestOf(job) : options.maxResultBytes,
        inputs,
        results,
        tools,
        secret,
        signal,
        states: { board, access, goesOnFrom, onKept: options.onKept },
        onProgress: (done, of, lossMicros) => options.onProgress(transform.name, done, of, lossMicros),
        onTranscript: (text) => transcripts.push(text),
        onModel: (input, digest) => models.set(input, digest),
      })
      results.set(transform.name, result)
    }
    const last = results.get(offer.transform)!
    const commonWords = await compareWords(last, job, inputs, transcripts, signal)
    const outputs = await nameOutputs(last, plan.outputs, signal)
    const steps = plan.transforms.map((transform) =>
      stepOf(transform, results.get(transform.name)!, job, commonWords),
    )
    return { outputs, steps, models }
  } finally {
    inputs.close()
    secret.fill(0)
  }
}

/** Each output is the whole result, or its part of a training. What none becomes of is overwritten. */
async function nameOutputs(
  result: StepResult,
  agreed: RunPlan['outputs'],
  signal: AbortSignal,
): Promise<ClearOutput[]> {
  // One array for all outputs that are the same.
  const parts = new Map<OutputPart | undefined, Uint8Array>()
  try {
    for (const { part } of agreed) if (!parts.has(part)) parts.set(part, encodeResult(result, part))
    const large = agreed.find(({ part, maxBytes }) => parts.get(part)!.length > maxBytes)
    if (large !== undefined)
      throw roomRoleError('ROOM_OUTPUT', `${large.name} is larger than agreed`, {
        expected: `at most ${large.maxBytes} bytes`,
      })
    const outputs: ClearOutput[] = []
    for (const { name, part } of agreed) outputs.push(await nameOutput(name, parts.get(part)!, signal))
    return outputs
  } catch (error) {
    for (const bytes of parts.values()) bytes.fill(0)
    throw error
  }
}

/** The smallest bound of the outputs. Where it is of a training, parts have bounds of their own. */
function largestOf({ plan }: RunJob): number {
  return Math.min(...plan.outputs.map(({ maxBytes }) => maxBytes))
}

/** The rule of words, over every text that the run read, whoever else let it out. */
async function compareWords(
  result: StepResult,
  { plan }: RunJob,
  inputs: RunInputs,
  transcripts: readonly string[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const { maxCommonWords } = plan.rules
  if (maxCommonWords === undefined) return undefined
  const texts: string[] = [...transcripts]
  // A million texts are more than a call takes arguments.
  for (const name of inputs.namesOf('text')) for (const text of await inputs.texts(name)) texts.push(text)
  return requireOverlap(textOf(result), texts, maxCommonWords, signal)
}

function stepOf(
  transform: Transform,
  result: StepResult,
  { offer }: RunJob,
  commonWords: number | undefined,
): ProvenanceStep {
  const { name, task } = transform
  return {
    transform: name,
    kind: task.kind,
    task: documentDigest(task),
    ...(commonWords !== undefined && name === offer.transform && { commonWords }),
    ...(isTraining(task) && result.kind === 'trained' && { training: trainingOf(task, result) }),
  }
}

function trainingOf(
  { privacy }: TrainTask | FinetuneTask,
  { figures: { steps, graph } }: StepResult & { kind: 'trained' },
): NonNullable<ProvenanceStep['training']> {
  return {
    steps,
    ...(graph !== undefined && { graph }),
    ...(privacy && {
      epsilonMicros: privacy.epsilonMicros,
      deltaTrillionths: privacy.deltaTrillionths,
    }),
  }
}
