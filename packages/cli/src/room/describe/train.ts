import {
  type Input,
  measuredTables,
  type TrainColumn,
  type TrainRecipe,
  type TrainTask,
} from '@sotto/protocol/contract'
import { formatBytes } from '../../terminal/index.ts'
import { count, showDecimal, showPrivacy } from './amounts.ts'
import { describeDescent } from './descent.ts'
import { describeGuarantee } from './guarantee.ts'

const MICROS = 6
const NANOS = 9

/** A training in words: what is learned from what, how, what it may tell of single people, and who sees what while it runs. */
export function describeTraining(
  task: TrainTask,
  inputs: readonly Pick<Input, 'name' | 'rules'>[],
): string[] {
  const { recipe, data, descent, predict, show, limits } = task
  const { tables, joinOn, features, label } = data
  return [
    ...describeRecipe(recipe, label),
    joinOn === undefined
      ? `on rows of ${tables.join(', ')}`
      : `on rows that ${tables.join(', ')} make together, joined by ${joinOn.join(', ')}`,
    `learns from ${count(features.length, 'column')}:`,
    ...features.map(
      (feature) => `  ${describeColumn(feature)}${feature.kind === 'category' ? '; all others are one' : ''}`,
    ),
    `to tell ${describeColumn(label)}`,
    ...(descent === undefined ? [] : describeDescent(descent, 'row')),
    ...describeFigures(task),
    ...describeGuarantee(task, { learned: tables, inputs, isJoined: joinOn !== undefined, unit: 'row' }),
    ...(predict === undefined
      ? []
      : [`tells of each row of ${predict.table} what the model says, beside its ${predict.key}`]),
    show === 'steps'
      ? 'while it runs, parties see how many steps are done'
      : `while it runs, every party sees steps and their ${show}`,
    `at most ${formatBytes(limits.memoryBytes)}, ${count(limits.seconds, 'second')}`,
  ]
}

function describeRecipe(recipe: TrainRecipe, label: TrainColumn): string[] {
  const trains = `trains a model, ${recipe.kind}:`
  switch (recipe.kind) {
    case 'mlp':
      return [`${trains} layers of ${recipe.hidden.join(', ')} with ${recipe.activation}`]
    case 'gbdt':
      return [
        `${trains} ${count(recipe.trees, 'tree')} of depth ${recipe.depth} over ${recipe.bins} bins, learning rate ` +
          `${showDecimal(recipe.learningRateMicros, MICROS)}, lambda ${showDecimal(recipe.lambdaMicros, MICROS)}, ` +
          `child weight at least ${showDecimal(recipe.minChildWeightMicros, MICROS)}`,
      ]
    case 'graph':
      return [
        `${trains} the weights of ${recipe.model}, by its output ${recipe.output}`,
        `model manifest ${recipe.digest}`,
      ]
    default:
      return [`${trains} ${regressionOf(label)} regression`]
  }
}

function regressionOf(label: TrainColumn): string {
  if (label.kind !== 'category') return 'linear'
  return label.values.length === 2 ? 'logistic' : 'softmax'
}

function describeColumn(column: TrainColumn): string {
  const named = `${column.column}, a ${column.kind}`
  if (column.kind === 'category') return `${named} of ${JSON.stringify(column.values)}`
  const { min, max, decimals } = column
  const places = decimals === 0 ? '' : ` to ${count(decimals, 'place')}`
  return `${named} ${showDecimal(min, decimals)}..${showDecimal(max, decimals)}${places}`
}

/** What is measured, and whether anybody can tell single rows from it. */
function describeFigures(task: TrainTask): string[] {
  const { validation, metrics, metricsEpsilonMicros } = task
  if (validation === undefined) return []
  const rows =
    'tables' in validation
      ? `rows of ${validation.tables.join(', ')}`
      : `${showDecimal(validation.splitNanos, NANOS)} of all contributors, drawn by chance and not trained on`
  if (metrics.length === 0) return [`leaves out ${rows}, and measures nothing with them`]
  return [
    `measures ${metrics.join(', ')} with ${rows}`,
    metricsEpsilonMicros === undefined
      ? 'these figures are exact'
      : `these figures have noise: ${showPrivacy({ epsilonMicros: metricsEpsilonMicros })} a run for each contributor of ${measuredTables(task).join(', ')}`,
  ]
}
