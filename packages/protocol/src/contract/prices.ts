import type { FinetuneTask } from './finetune-task.ts'
import type { Task } from './tasks.ts'
import type { TrainTask } from './train-task.ts'
import type { Name } from './types.ts'

/** What one run of a task spends of the privacy of one input that it reads. */
export interface Price {
  /** In millionths. */
  epsilonMicros: number
  /** In 10^-12: of training only. Noise of queries and figures has none. */
  deltaTrillionths?: number
}

/**
 * The price of one run for an input; undefined where nothing private is spent. It follows from the task alone. What is
 * trained on pays for the model, what is measured with for figures with noise, and a table that is divided for both.
 */
export function priceOf(task: Task, input: Name): Price | undefined {
  if (task.kind === 'sql') return task.noise && { epsilonMicros: task.noise.epsilonMicros }
  if (task.kind === 'finetune') return task.texts.includes(input) ? priceOfModel(task) : undefined
  return task.kind === 'train' ? priceOfTraining(task, input) : undefined
}

function priceOfModel({ privacy }: TrainTask | FinetuneTask): Price | undefined {
  if (privacy === undefined) return undefined
  const { epsilonMicros, deltaTrillionths } = privacy
  return { epsilonMicros, deltaTrillionths }
}

function priceOfTraining(task: TrainTask, input: Name): Price | undefined {
  const { data, metricsEpsilonMicros = 0 } = task
  const model = data.tables.includes(input) ? priceOfModel(task) : undefined
  const figures = measuredTables(task).includes(input) ? metricsEpsilonMicros : 0
  if (figures === 0) return model
  return { ...model, epsilonMicros: (model?.epsilonMicros ?? 0) + figures }
}

/** Inputs whose rows figures are of. */
export function measuredTables({ data, validation }: TrainTask): readonly Name[] {
  if (validation === undefined) return []
  return 'tables' in validation ? validation.tables : data.tables
}
