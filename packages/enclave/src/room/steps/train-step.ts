import type { Name, OutputPart, TrainTask } from '@sotto/protocol/contract'
import { deriveKey } from '../../train/random/streams.ts'
import {
  type Checkpoints,
  TABLE_MEDIA,
  type TableMedia,
  trainInProcess,
  type TrainEngine,
  type TrainTable,
  tryTask,
} from '../../train/process/index.ts'
import { roomRoleError } from '../errors.ts'
import type { MemoryFile } from '../inputs/memory-file.ts'
import { type StepResult, WHOLE_PART } from '../results.ts'
import { boardStates } from './board-states.ts'
import { openModelFiles } from './model-files.ts'
import type { Step, StepTools } from './types.ts'

/** Node and the runtime take so much besides what a training may. */
const PROCESS_BYTES: number = 2 * 1024 ** 3
/** Of that on the heap of V8. */
const HEAP_BYTES: number = 512 * 1024 ** 2
/** A training that is shorter begins anew sooner than it would be found out where it stood. */
const FIRST_STATE_MS = 60_000

/**
 * A training over tables, in a process of its own. Its chance follows from the secret of the run: with it, the same tables
 * have the same model.
 * @throws `ROOM_TASK` where this room trains nothing, or not on tables that are so written; codes of `trainInProcess`;
 *   `ROOM_INPUT`, `ROOM_FILES`
 */
export async function runTrainStep(step: Step, task: TrainTask): Promise<StepResult> {
  const { tools, transform, signal } = step
  const made: MemoryFile[] = []
  // A run may train twice, and no two trainings have the same chance.
  const secret = deriveKey(step.secret, `transform ${transform.name}`)
  try {
    return await withTrainEngine(tools, task, async (engine, threads) => {
      const tables = await openTables(step, task)
      const { recipe } = task
      const graph = recipe.kind === 'graph' ? await openModelFiles(step, recipe, 'onnx', made) : []
      const checkpoints = await statesOf(step)
      const { parts, figures } = await trainInProcess(engine, {
        ...(checkpoints && { checkpoints }),
        task,
        tables,
        graph,
        parts: partsOf(step),
        threads,
        secret,
        signal,
        onProgress: ({ done, of, lossMicros }) => step.onProgress(done, of, lossMicros),
      })
      return { kind: 'trained', parts, figures }
    })
  } finally {
    secret.fill(0)
    for (const file of made) file.close()
  }
}

/**
 * Finds out whether a task can be trained, before anybody consents to it.
 * @throws `ROOM_TASK`; codes of `tryTask`
 */
export async function tryTrainTask(tools: StepTools, task: TrainTask): Promise<void> {
  await withTrainEngine(tools, task, (engine) => tryTask(engine, task))
}

/**
 * A place for the process of one training.
 * @throws `ROOM_TASK` where this room trains nothing
 */
export async function withTrainEngine<T>(
  tools: StepTools,
  { limits }: Pick<TrainTask, 'limits'>,
  use: (engine: TrainEngine, threads: number) => Promise<T>,
): Promise<T> {
  const train = trainToolsOf(tools)
  const { giveBack, ...place } = await tools.host.place(PROCESS_BYTES + limits.memoryBytes)
  // Texts of tables are on the heap of V8, whose own limit follows from the machine.
  const heap = `--max-old-space-size=${Math.ceil((HEAP_BYTES + limits.memoryBytes) / 2 ** 20)}`
  try {
    return await use({ entry: train.entry, ...place, flags: [...place.flags, heap] }, train.threads)
  } finally {
    giveBack()
  }
}

/** What trainings run with. @throws `ROOM_TASK` where this room trains nothing */
export function trainToolsOf({ train }: StepTools): NonNullable<StepTools['train']> {
  if (train === undefined) throw roomRoleError('ROOM_TASK', 'this room trains nothing')
  return train
}

/** All tables that the task names, opened beside each other. */
async function openTables({ inputs }: Step, task: TrainTask): Promise<TrainTable[]> {
  const names = tablesOf(task)
  const coming = names.map((name) => inputs.begin(name).whole)
  const tables: TrainTable[] = []
  for (const [at, name] of names.entries()) {
    const { manifest, file } = await coming[at]!
    const { media } = manifest
    if (!isTrainable(media))
      throw roomRoleError('ROOM_TASK', `this room cannot train on ${name} as it is written`, {
        expected: TABLE_MEDIA.join(', '),
        found: media,
      })
    const { columns = [], rules } = inputs.find(name)!
    // Rules name columns without regard to case, files have them as the contract does.
    const contributor = columns.find((one) => one.name.toLowerCase() === rules.contributor?.toLowerCase())
    tables.push({
      name,
      fd: file.fd,
      bytes: file.bytes,
      media,
      columns,
      ...(contributor && { contributor: contributor.name }),
    })
  }
  return tables
}

/** Tables of owners that a task reads. */
function tablesOf({ data, validation, predict }: TrainTask): Name[] {
  const measured = validation && 'tables' in validation ? validation.tables : []
  return [...data.tables, ...measured, ...(predict ? [predict.table] : [])]
}

/** States of a training that may be gone on with: of one whose result only another step reads, nobody could. */
export async function statesOf({
  states,
  tools,
  signal,
  plan,
  transform,
}: Step): Promise<Checkpoints | undefined> {
  if (plan.transforms.at(-1) !== transform) return undefined
  return boardStates({ ...states, firstMs: tools.train?.firstStateMs ?? FIRST_STATE_MS, signal })
}

/** Parts that outputs are made of, with their least bound; for another step, the model. */
export function partsOf({ plan, transform, maxBytes }: Step): Map<OutputPart, number> {
  if (plan.transforms.at(-1) !== transform) return new Map([[WHOLE_PART, maxBytes]])
  const parts = new Map<OutputPart, number>()
  for (const output of plan.outputs) {
    const part = output.part ?? WHOLE_PART
    parts.set(part, Math.min(output.maxBytes, parts.get(part) ?? Infinity))
  }
  return parts
}

function isTrainable(media: string): media is TableMedia {
  return (TABLE_MEDIA as readonly string[]).includes(media)
}
