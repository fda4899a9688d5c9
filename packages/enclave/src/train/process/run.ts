import type { Column, Name, OutputPart, TrainTask } from '@sotto/protocol/contract'
import { FIRST_INPUT_DESCRIPTOR, type RoomProcessOptions } from '../../room/process/index.ts'
import type { TrainingProgress, TrainingResult } from '../task/index.ts'
import type { Places } from './failure.ts'
import { type Checkpoints, follow } from './follow.ts'
import type { TableMedia } from './messages.ts'
import { TrainProcess } from './process.ts'

/**
 * Where and how trainings run, the same for all of a room. The process takes some 500 MiB beside its tables and models: a
 * limit of memory in `prefix` has to leave it that.
 */
export type TrainEngine = Omit<RoomProcessOptions, 'fds' | 'timeoutMs' | 'signal'>

/** A file of the process, in memory. */
export interface TrainFile {
  /** Of the contract, or of the model's manifest. */
  readonly name: Name
  /** Read-only descriptor. */
  readonly fd: number
  readonly bytes: number
}

/** A table of an owner, who controls its bytes. */
export interface TrainTable extends TrainFile {
  readonly media: TableMedia
  /** Of the contract. */
  readonly columns: readonly Column[]
  readonly contributor?: string
}

/** One training. */
export interface ProcessRun {
  readonly task: TrainTask
  /** All that the task names. */
  readonly tables: readonly TrainTable[]
  /** Files of the graph that a party sealed, with their roles; of other recipes none. */
  readonly graph: readonly (TrainFile & { readonly role: string })[]
  /** What is wanted, and bytes of each at most. */
  readonly parts: ReadonlyMap<OutputPart, number>
  readonly threads: number
  /** 32 bytes of this run only. */
  readonly secret: Uint8Array
  readonly checkpoints?: Checkpoints
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TrainingProgress) => void
}

/** Milliseconds that a try takes at most: of the largest graph some seconds. */
const TRY_MS = 120_000

/**
 * Finds out in a process of its own whether a task can be trained, before there are data.
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_PRIVACY`, `ROOM_TRAIN_GRAPH` and the other codes of what can be found
 */
export async function tryTask(engine: TrainEngine, task: TrainTask): Promise<void> {
  const columns = [...task.data.features, task.data.label].map(({ column }) => column)
  const places = new Map(task.data.tables.map((name) => [name, columns]))
  const child = new TrainProcess({ ...engine, fds: [], timeoutMs: TRY_MS }, places)
  try {
    await child.ask({ ask: 'try', task }, 'tried')
  } finally {
    await child.close()
  }
}

/**
 * Trains in a process of its own. The same task, tables and secret have the same parts, on processors of one kind.
 * @throws every code of `ROOM_TRAIN_`, in words that name tables and columns of the contract, and nothing else
 */
export async function trainInProcess(engine: TrainEngine, run: ProcessRun): Promise<TrainingResult> {
  const { task, tables, graph, parts, threads, signal } = run
  const fds = [...tables, ...graph].map(({ fd }) => fd)
  const options = { ...engine, fds, timeoutMs: task.limits.seconds * 1000, signal }
  const child = new TrainProcess(options, placesOf(tables))
  try {
    const place = (at: number): number => FIRST_INPUT_DESCRIPTOR + at
    const question = {
      ask: 'train',
      task,
      tables: tables.map((table, at) => ({ ...table, fd: place(at) })),
      graph: graph.map((file, at) => ({ ...file, fd: place(tables.length + at) })),
      parts: [...parts],
      threads,
    } as const
    return await follow(child, question, run)
  } finally {
    await child.close()
  }
}

function placesOf(tables: readonly TrainTable[]): Places {
  return new Map(tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]))
}
