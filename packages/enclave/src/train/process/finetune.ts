import type { FinetuneTask } from '@sotto/protocol/contract'
import { FIRST_INPUT_DESCRIPTOR } from '../../room/process/index.ts'
import type { TrainingResult } from '../task/index.ts'
import { follow } from './follow.ts'
import { TrainProcess } from './process.ts'
import type { ProcessRun, TrainEngine, TrainFile } from './run.ts'

/** Texts of an owner, who controls their bytes: each behind its length. */
export interface TuningText extends TrainFile {
  /** How many, as the owner stated. */
  readonly items: number
}

/** One fine-tuning. */
export interface FinetuneProcessRun extends Omit<ProcessRun, 'task' | 'tables' | 'graph'> {
  readonly task: FinetuneTask
  /** All that the task names. */
  readonly texts: readonly TuningText[]
  /** Files of the model that a party sealed, with their roles. */
  readonly model: readonly (TrainFile & { readonly role: string })[]
}

/**
 * Tunes a model in a process of its own. The same task, model, texts and secret have the same parts, on processors of one kind.
 * @throws every code of `ROOM_TRAIN_`, in words that name texts of the contract, and nothing else
 */
export async function finetuneInProcess(
  engine: TrainEngine,
  run: FinetuneProcessRun,
): Promise<TrainingResult> {
  const { task, texts, model, parts, threads, signal } = run
  const fds = [...texts, ...model].map(({ fd }) => fd)
  const options = { ...engine, fds, timeoutMs: task.limits.seconds * 1000, signal }
  const child = new TrainProcess(options, new Map(texts.map(({ name }) => [name, 'text'])))
  try {
    const place = (at: number): number => FIRST_INPUT_DESCRIPTOR + at
    const question = {
      ask: 'finetune',
      task,
      texts: texts.map((text, at) => ({ ...text, fd: place(at) })),
      model: model.map((file, at) => ({ ...file, fd: place(texts.length + at) })),
      parts: [...parts],
      threads,
    } as const
    return await follow(child, question, run)
  } finally {
    await child.close()
  }
}
