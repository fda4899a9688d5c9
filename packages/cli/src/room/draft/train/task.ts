import type { Name, TrainRecipe, TrainTask } from '@sotto/protocol/contract'
import type { Digest } from '@sotto/protocol/keyrelease'
import { METRIC_NAMES } from '@sotto/protocol/training'
import { guaranteeOf, type Refuse } from './guarantee.ts'
import type { DraftRecipe, DraftTrain } from './types.ts'

const DEFAULT_BATCH = 256

/** What a training becomes a task with. */
export interface TrainContext {
  /** Names of what the transform reads. */
  reads: readonly Name[]
  /** Digests of manifests, by path as the draft has it. */
  models: ReadonlyMap<string, Digest>
  refuse: Refuse
}

/** The task of a training: its price computed and rounded up, so that whoever reads it sees what it costs. @throws as `refuse` */
export function trainTaskOf(draft: DraftTrain, { reads, models, refuse }: TrainContext): TrainTask {
  const { data, descent, privacy, metrics, recipe, ...rest } = draft
  const task = {
    ...rest,
    recipe: recipeOf(recipe, models),
    data: { ...data, tables: data.tables ?? tablesOf(draft, reads, refuse) },
    metrics: metrics ?? metricsOf(draft, refuse),
  }
  if (privacy === undefined)
    return { ...task, ...(descent && { descent: { ...descent, batch: descent.batch ?? DEFAULT_BATCH } }) }
  if (descent === undefined) throw refuse('privacy', 'trees give no guarantee of privacy')
  const { validation } = draft
  return { ...task, ...guaranteeOf(privacy, { descent, batch: DEFAULT_BATCH, validation, refuse }) }
}

function recipeOf(recipe: DraftRecipe, models: TrainContext['models']): TrainRecipe {
  if (recipe.kind !== 'graph') return recipe
  const { digest } = recipe
  return { ...recipe, digest: typeof digest === 'string' ? digest : models.get(digest.path)! }
}

/** All that nothing else is said of. */
function tablesOf(
  { recipe, validation, predict }: DraftTrain,
  reads: readonly Name[],
  refuse: Refuse,
): Name[] {
  const others = new Set([
    ...(recipe.kind === 'graph' ? [recipe.model] : []),
    ...(validation && 'tables' in validation ? validation.tables : []),
    ...(predict ? [predict.table] : []),
  ])
  const tables = reads.filter((name) => !others.has(name))
  if (tables.length > 0) return tables
  throw refuse('tables', 'no table is left to train on')
}

/** Figures that the label has. Of protected rows nobody gets one without being asked what it may cost. */
function metricsOf(
  { data: { label }, validation, privacy, metricsEpsilonMicros }: DraftTrain,
  refuse: Refuse,
): TrainTask['metrics'] {
  if (validation === undefined) return []
  if (privacy && 'splitNanos' in validation && metricsEpsilonMicros === undefined)
    throw refuse(
      'metrics',
      'say what figures of protected rows may cost (metrics_epsilon: 1), or metrics: []',
    )
  const classes = label.kind === 'category' ? label.values.length : 0
  return METRIC_NAMES.filter(
    (metric) => metric === 'loss' || (metric === 'auc' ? classes === 2 : classes > 0),
  )
}
