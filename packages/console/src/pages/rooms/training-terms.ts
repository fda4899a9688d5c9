import {
  type FinetuneTask,
  type Input,
  measuredTables,
  type TrainColumn,
  type TrainRecipe,
  type TrainTask,
} from '@sotto/protocol/contract'
import { words } from '../../words/index.ts'
import { finetuningTerms } from './finetuning-terms.ts'
import { descentTerm, guaranteeTerm, runningTerms, type TaskTerm } from './learning-terms.ts'

type Inputs = readonly Pick<Input, 'name' | 'rules'>[]

/**
 * All that a contract says of a training, in words, for parties approve what they see.
 * @param inputs of the contract: what their owners ask for says who is protected
 */
export function termsOf(task: TrainTask | FinetuneTask, inputs: Inputs): TaskTerm[] {
  return task.kind === 'train' ? trainingTerms(task, inputs) : finetuningTerms(task, inputs)
}

function trainingTerms(task: TrainTask, inputs: Inputs): TaskTerm[] {
  const say = words.rooms.contracts.training
  const { recipe, data, descent, predict } = task
  const { tables, joinOn, features, label } = data
  const all = tables.join(', ')
  return [
    recipeTerm(recipe, label),
    {
      title: say.titles.rows,
      lines: [joinOn === undefined ? say.rows(all) : say.joined(all, joinOn.join(', '))],
    },
    {
      title: say.titles.columns(features.length),
      lines: features.map((feature) =>
        feature.kind === 'category' ? `${say.column(feature)}; ${say.others}` : say.column(feature),
      ),
    },
    { title: say.titles.label, lines: [say.column(label)] },
    ...(descent === undefined ? [] : [descentTerm(descent, 'row', task.privacy)]),
    ...figuresTerms(task),
    guaranteeTerm(task, { learned: tables, inputs, isJoined: joinOn !== undefined, unit: 'row' }),
    ...(predict === undefined
      ? []
      : [{ title: say.titles.predictions, lines: [say.predictions(predict.table, predict.key)] }]),
    ...runningTerms(task),
  ]
}

function recipeTerm(recipe: TrainRecipe, label: TrainColumn): TaskTerm {
  const { titles, recipes } = words.rooms.contracts.training
  const title = titles.model
  switch (recipe.kind) {
    case 'mlp':
      return { title, lines: [recipes.mlp(recipe.hidden, recipe.activation)] }
    case 'gbdt': {
      const { trees, depth, bins, learningRateMicros, lambdaMicros, minChildWeightMicros } = recipe
      const growth = recipes.growth(learningRateMicros, lambdaMicros, minChildWeightMicros)
      return { title, lines: [recipes.trees(trees, depth, bins), growth] }
    }
    case 'graph':
      return {
        title,
        lines: [recipes.graph(recipe.model, recipe.output), recipes.manifest],
        digest: recipe.digest,
      }
    default:
      return { title, lines: [recipes[regressionOf(label)]] }
  }
}

function regressionOf(label: TrainColumn): 'linear' | 'logistic' | 'softmax' {
  if (label.kind !== 'category') return 'linear'
  return label.values.length === 2 ? 'logistic' : 'softmax'
}

/** What is measured, and whether anybody can tell single rows from it. */
function figuresTerms(task: TrainTask): TaskTerm[] {
  const { validation, metrics, metricsEpsilonMicros } = task
  if (validation === undefined) return []
  const say = words.rooms.contracts.training
  const rows =
    'tables' in validation
      ? say.rowsOf('row', validation.tables.join(', '))
      : say.split(validation.splitNanos, 'contributor')
  const noise =
    metricsEpsilonMicros === undefined
      ? say.exact
      : say.noisy(metricsEpsilonMicros, measuredTables(task).join(', '))
  const lines = metrics.length === 0 ? [say.leftOut(rows)] : [say.figures(metrics.join(', '), rows), noise]
  return [{ title: say.titles.figures, lines }]
}
