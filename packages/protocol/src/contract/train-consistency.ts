/** Whether a training fits what it reads: columns, keys and what owners ask of their rows. */
import { measuredTables, priceOf } from './prices.ts'
import { foldColumn } from './rules.ts'
import { isTraining } from './tasks.ts'
import type { TrainColumn, TrainTask } from './train-task.ts'
import type { ColumnType, Contract, Input, Name, Output } from './types.ts'

const NUMBERS: readonly ColumnType[] = ['integer', 'number']
/** Types of which equal values are written the same. */
const KEYS: readonly ColumnType[] = ['integer', 'text', 'date']

/**
 * What is wrong with a training; undefined: nothing.
 * @param transform its name
 * @param reads names of all that it reads
 * @param read the inputs among them
 */
export function findTrainContradiction(
  transform: Name,
  task: TrainTask,
  reads: readonly Name[],
  read: readonly Input[],
): string | undefined {
  const { recipe, data, validation, predict } = task
  const measured = validation && 'tables' in validation ? validation.tables : []
  const tables = [...data.tables, ...measured, ...(predict ? [predict.table] : [])]
  const model = recipe.kind === 'graph' ? [recipe.model] : []
  const unread = [...tables, ...model].find((name) => !reads.includes(name))
  if (unread !== undefined) return `${transform} does not read ${unread}`
  const unused = reads.find((name) => !tables.includes(name) && !model.includes(name))
  if (unused !== undefined) return `${transform} reads ${unused}, and makes nothing of it`
  if (new Set(tables).size !== tables.length)
    return `${transform} has a table in two places: rows are learned from, or measured or told of`
  const inputOf = new Map(read.map((input) => [input.name, input]))
  const other = tables.find((name) => inputOf.get(name)?.kind !== 'table')
  if (other !== undefined) return `${transform} trains on ${other}, which is no table of a party`
  const graph = model.find((name) => inputOf.get(name)?.kind !== 'model')
  if (graph !== undefined) return `${transform} trains ${graph}, which is no model of a party`
  const all = (names: readonly Name[]): Input[] => names.map((name) => inputOf.get(name)!)
  return (
    findColumnContradiction(transform, task, all(data.tables), all(measured)) ??
    (predict && findPredictContradiction(transform, task, inputOf.get(predict.table)!, predict.key))
  )
}

/** A union has every column in every table; of a join each is in one, and keys are in all. */
function findColumnContradiction(
  transform: Name,
  { data: { joinOn, features, label }, privacy, metricsEpsilonMicros }: TrainTask,
  trained: readonly Input[],
  measured: readonly Input[],
): string | undefined {
  const columns = [...features, label]
  if (joinOn === undefined)
    return [...trained, ...measured]
      .flatMap((input) => columns.map((column) => findWrongColumn(transform, input, column)))
      .find((wrong) => wrong !== undefined)
  if (measured.length > 0)
    return `${transform} joins tables, and measures with a part of the joined rows only`
  for (const key of joinOn) {
    const [type, ...others] = trained.map((input) => typeOf(input, key))
    if (type === undefined || others.some((other) => other !== type))
      return `${transform} joins on ${key}, which is not a column of one type in every table`
    if (!KEYS.includes(type)) return `${transform} joins on ${key}, and ${type} is no type of keys`
  }
  for (const column of columns) {
    const having = trained.filter((input) => typeOf(input, column.column) !== undefined)
    if (having.length !== 1) return `${transform} reads ${column.column}, which is not in one table only`
    const wrong = findWrongColumn(transform, having[0]!, column)
    if (wrong !== undefined) return wrong
  }
  // One person is one joined row only where the key is the person.
  const stranger = trained.find(
    ({ rules: { contributor } }) =>
      contributor !== undefined && (joinOn.length > 1 || foldColumn(contributor) !== foldColumn(joinOn[0]!)),
  )
  // Figures of joined rows are of rows that are trained on.
  if ((privacy !== undefined || metricsEpsilonMicros !== undefined) && stranger)
    return `${transform} joins ${stranger.name} by another column than its contributors`
  return undefined
}

/** Predictions need what the model reads, and say whose they are. */
function findPredictContradiction(
  transform: Name,
  { data: { features, joinOn } }: TrainTask,
  input: Input,
  key: string,
): string | undefined {
  if (joinOn) return `${transform} joins tables, and tells of no other`
  if (typeOf(input, key) === undefined) return `${input.name} has no column ${key}`
  return features
    .map((column) => findWrongColumn(transform, input, column))
    .find((wrong) => wrong !== undefined)
}

function findWrongColumn(transform: Name, input: Input, { column, kind }: TrainColumn): string | undefined {
  const type = typeOf(input, column)
  if (type === undefined) return `${transform} reads ${column}, which ${input.name} does not have`
  return kind === 'number' && !NUMBERS.includes(type)
    ? `${transform} reads ${column} of ${input.name} as a number, and it is ${type}`
    : undefined
}

function typeOf({ columns = [] }: Input, column: string): ColumnType | undefined {
  // Exactly: a trainer finds columns by the name that stands in the file.
  return columns.find(({ name }) => name === column)?.type
}

/**
 * A rule of an owner that a training would not keep. Where rows ask for noise, or for contributors to be counted, what
 * leaves has a guarantee for each of them: nobody is counted, for that a training ran at all would tell of the count.
 * @param name of the transform
 */
export function findUnkeptRuleOfTraining(
  name: Name,
  task: TrainTask,
  { name: input, rules, uses }: Input,
): string | undefined {
  const { data, privacy, predict, metrics, metricsEpsilonMicros } = task
  const hidden = new Set(rules.forbidden.map(foldColumn))
  const columns = [
    ...[...data.features, data.label].map(({ column }) => column),
    ...(data.joinOn ?? []),
    ...(predict?.table === input ? [predict.key] : []),
  ]
  const forbidden = columns.find((column) => hidden.has(foldColumn(column)))
  if (forbidden !== undefined) return `${name} reads ${forbidden} of ${input}, which its owner forbids`
  if (rules.minContributors === 1 && !rules.noisy) return undefined
  if (predict?.table === input) return `${name} would tell of single rows of ${input}`
  if (data.tables.includes(input) && privacy === undefined)
    return `${name} trains on ${input} without the guarantee that its owner asks for`
  if (measuredTables(task).includes(input)) {
    if (metrics.length > 0 && metricsEpsilonMicros === undefined)
      return `${name} measures with ${input} without the noise that its owner asks for`
    if (task.descent?.stopEarly) return `${name} would stop when rows of ${input} say so`
  }
  if (task.show === 'loss') return `${name} would show the loss of rows of ${input}`
  const price = priceOf(task, input)
  const use = uses.find(({ transform }) => transform === name)
  if (price === undefined) return undefined
  if (use?.epsilonMicros === undefined) return `${name} adds noise to ${input}, which has no budget of it`
  return price.deltaTrillionths !== undefined && use.deltaTrillionths === undefined
    ? `${name} has a guarantee for ${input} with a delta, which has no budget of it`
    : undefined
}

/** A part of what a training makes that is asked of it, and is not there. */
export function findMissingPart({ transforms }: Contract, { name, from, part }: Output): string | undefined {
  const task = transforms.find((transform) => transform.name === from)?.task
  if (!task || !isTraining(task)) return part && `${name} is a part of what ${from} makes, which has none`
  if (part === 'metrics' && task.metrics.length === 0) return `${name} are figures, and ${from} makes none`
  const isThere = {
    model: true,
    metrics: true,
    predictions: task.kind === 'train' && task.predict !== undefined,
    safetensors: task.kind === 'finetune',
  }
  return part && !isThere[part] ? `${name} are ${part}, and ${from} makes none` : undefined
}

/** Loss that is seen while a training runs is seen by every party: each has to be a receiver of what it is of. */
export function findOpenLoss(
  name: Name,
  { show }: Pick<TrainTask, 'show'>,
  parties: readonly Name[],
  sources: readonly Input[],
): string | undefined {
  if (show !== 'loss') return undefined
  for (const { name: input, rules } of sources) {
    const stranger = parties.find((party) => !rules.receivers.includes(party))
    if (stranger !== undefined)
      return `${name} would show its loss to ${stranger}, whom the owner of ${input} does not admit`
    if (rules.review) return `${name} would show its loss before the owner of ${input} has looked at it`
  }
  return undefined
}
