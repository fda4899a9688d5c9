import type { Name, RunPlan, Transform } from '@sotto/protocol/contract'
import { type Digest, documentDigest } from '@sotto/protocol/keyrelease'
import type { ProvenanceStep } from '@sotto/protocol/room'
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
  signal: AbortSignal
  onProgress(transform: Name, done: number, of: number): void
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
  const { plan, statements, access, offer } = job
  const { tools, board, signal } = options
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
        signal,
        onProgress: (done, of) => options.onProgress(transform.name, done, of),
        onTranscript: (text) => transcripts.push(text),
        onModel: (input, digest) => models.set(input, digest),
      })
      results.set(transform.name, result)
    }
    const last = results.get(offer.transform)!
    const commonWords = await compareWords(last, job, inputs, transcripts, signal)
    const outputs = await nameOutputs(encodeResult(last), plan.outputs, signal)
    return { outputs, steps: plan.transforms.map((transform) => stepOf(transform, job, commonWords)), models }
  } finally {
    inputs.close()
  }
}

/** Each output is the whole result. What none becomes of is overwritten. */
async function nameOutputs(
  bytes: Uint8Array,
  agreed: RunPlan['outputs'],
  signal: AbortSignal,
): Promise<ClearOutput[]> {
  try {
    const large = agreed.find(({ maxBytes }) => bytes.length > maxBytes)
    if (large !== undefined)
      throw roomRoleError('ROOM_OUTPUT', `${large.name} is larger than agreed`, {
        expected: `at most ${large.maxBytes} bytes`,
      })
    const outputs: ClearOutput[] = []
    for (const { name } of agreed) outputs.push(await nameOutput(name, bytes, signal))
    return outputs
  } catch (error) {
    bytes.fill(0)
    throw error
  }
}

/** The smallest bound of the outputs: each is the whole result of the last step. */
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

function stepOf(transform: Transform, { offer }: RunJob, commonWords: number | undefined): ProvenanceStep {
  const { name, task } = transform
  return {
    transform: name,
    kind: task.kind,
    task: documentDigest(task),
    ...(commonWords !== undefined && name === offer.transform && { commonWords }),
  }
}
