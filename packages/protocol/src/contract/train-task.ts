/** A training, as parties agree on it. JSON of contracts has whole numbers only: micros are millionths, nanos billionths. */
import {
  areDistinct,
  type Decoder,
  hex,
  integer,
  label,
  list,
  literal,
  members,
  object,
  oneOf,
  refine,
  text,
  variants,
} from '../jcs/index.ts'
import type { Digest } from '../keyrelease/types.ts'
import { METRIC_NAMES, type MetricName } from '../training/metrics.ts'
import { type Descent, descentDecoder, privacyDecoder, trainLimits, type TrainPrivacy } from './learning.ts'
import { columnName, name } from './names.ts'

/** Something that is learned from, or to be told. Bounds and values are agreed, never found in data, which they would tell of. */
export type TrainColumn =
  | {
      column: string
      kind: 'number'
      /** In units of 10^-decimals; what is past them counts as they do. It becomes -1 to 1, and 0 where there is none. */
      min: number
      max: number
      /** 0 to 9. */
      decimals: number
    }
  | {
      column: string
      kind: 'category'
      /** As text, 1 to 1024; a feature has one place more, for all others. Of a label: the classes, 2 and more. */
      values: string[]
    }

/** What is trained. The loss follows from the label: squared error of numbers, log loss of classes. */
export type TrainRecipe =
  /** Linear regression of numbers; of classes logistic, or of more than two softmax. Weights begin at 0. */
  | { kind: 'linear' }
  /** A multi-layer perceptron. First weights are public and the same everywhere. */
  | { kind: 'mlp'; hidden: number[]; activation: 'relu' | 'tanh' }
  /** Trees, by gradient boosting over histograms. It gives no guarantee of privacy. */
  | {
      kind: 'gbdt'
      trees: number
      depth: number
      bins: number
      learningRateMicros: number
      lambdaMicros: number
      minChildWeightMicros: number
    }
  /** A party's own graph for inference, in ONNX, sealed like a model; of its weights all that stand where layers have them. */
  | {
      kind: 'graph'
      /** Name of an input of kind `model`. */
      model: string
      /** Digest of that model's manifest. */
      digest: Digest
      /** The graph's output that the loss is of: logits, or the number. */
      output: string
    }

/** One model, learned from tables of one owner or several. */
export interface TrainTask {
  kind: 'train'
  recipe: TrainRecipe
  data: {
    /** Inputs that are trained on, 1 to 32: rows of all of them, or of `joinOn`, columns of all of them. */
    tables: string[]
    /** Columns that every table has, and by which rows of all of them are one row: the parts of a key, 1 to 4. */
    joinOn?: string[]
    /** 1 to 1024. */
    features: TrainColumn[]
    label: TrainColumn
  }
  /** Rows to measure with: those of other inputs, or a part of the contributors, drawn by chance. */
  validation?: { tables: string[] } | { splitNanos: number }
  /** Of all recipes but `gbdt`. */
  descent?: Descent
  privacy?: TrainPrivacy
  /** Figures of rows to measure with, never of those trained on: what receivers of `metrics` get. */
  metrics: MetricName[]
  /** Epsilon of all figures together, in millionths: present where they are made with noise. */
  metricsEpsilonMicros?: number
  /** What the model says of the rows of an input, beside the value of a column of it that says which row. */
  predict?: { table: string; key: string }
  /** What parties see while it runs: how many steps are done, or the loss of each as well. */
  show: 'steps' | 'loss'
  limits: { memoryBytes: number; seconds: number }
}

const MICROS = 1_000_000
const NANOS = 1_000_000_000

const numberColumn = refine(
  object<TrainColumn & { kind: 'number' }>({
    column: columnName,
    kind: literal('number'),
    min: integer(-(2 ** 52), 2 ** 52),
    max: integer(-(2 ** 52), 2 ** 52),
    decimals: integer(0, 9),
  }),
  ({ min, max }) => (min < max ? undefined : 'no number is within the bounds'),
)

const categoryColumn = refine(
  object<TrainColumn & { kind: 'category' }>({
    column: columnName,
    kind: literal('category'),
    values: list(label(256), 1, 1024),
  }),
  ({ values }) => (areDistinct(values) ? undefined : 'a value is listed twice'),
)

const columnDecoder = variants<TrainColumn>('kind', { number: numberColumn, category: categoryColumn })

const recipeDecoder = variants<TrainRecipe>('kind', {
  linear: object<TrainRecipe & { kind: 'linear' }>({ kind: literal('linear') }),
  mlp: object<TrainRecipe & { kind: 'mlp' }>({
    kind: literal('mlp'),
    hidden: list(integer(1, 8192), 1, 8),
    activation: oneOf('relu', 'tanh'),
  }),
  gbdt: object<TrainRecipe & { kind: 'gbdt' }>({
    kind: literal('gbdt'),
    trees: integer(1, 10_000),
    depth: integer(1, 12),
    bins: integer(2, 256),
    learningRateMicros: integer(1, MICROS),
    lambdaMicros: integer(0, MICROS * MICROS),
    minChildWeightMicros: integer(0, 1000 * MICROS * MICROS),
  }),
  graph: object<TrainRecipe & { kind: 'graph' }>({
    kind: literal('graph'),
    model: name,
    digest: hex(32),
    output: text(256, /^[!-~]+$/),
  }),
})

const names: Decoder<string[]> = refine(list(name, 1, 32), (value) =>
  areDistinct(value) ? undefined : 'a table is named twice',
)

const dataDecoder: Decoder<TrainTask['data']> = refine(
  members<TrainTask['data']>(
    { tables: names, features: list(columnDecoder, 1, 1024), label: columnDecoder },
    { joinOn: list(columnName, 1, 4) },
  ),
  ({ tables, features, label: told, joinOn = [] }) => {
    const columns = [...features, told].map(({ column }) => column)
    if (!areDistinct(columns) || !areDistinct(joinOn)) return 'a column is named twice'
    if (columns.some((column) => joinOn.includes(column))) return 'a key is neither feature nor label'
    if (joinOn.length > 0 && tables.length < 2) return 'one table is joined with nothing'
    return told.kind === 'category' && told.values.length < 2 ? 'a label has one class only' : undefined
  },
)

const validationDecoder: Decoder<NonNullable<TrainTask['validation']>> = (value, path) =>
  Object.hasOwn((value ?? {}) as object, 'tables')
    ? object({ tables: names })(value, path)
    : object({ splitNanos: integer(1, NANOS - 1) })(value, path)

/** Decodes a {@link TrainTask}. @throws `JCS_FIELD` */
export const trainDecoder: Decoder<TrainTask> = refine(
  members<TrainTask>(
    {
      kind: literal('train'),
      recipe: recipeDecoder,
      data: dataDecoder,
      metrics: list(oneOf(...METRIC_NAMES), 0, METRIC_NAMES.length),
      show: oneOf('steps', 'loss'),
      limits: trainLimits,
    },
    {
      validation: validationDecoder,
      descent: descentDecoder,
      privacy: privacyDecoder,
      metricsEpsilonMicros: integer(1, 100_000_000),
      predict: object({ table: name, key: columnName }),
    },
  ),
  findContradiction,
)

function findContradiction(task: TrainTask): string | undefined {
  const { recipe, data, descent, privacy, validation, metrics, metricsEpsilonMicros, show } = task
  if ((recipe.kind === 'gbdt') !== (descent === undefined)) return 'steps are of weights, which need them'
  if (recipe.kind === 'gbdt' && privacy !== undefined) return 'trees give no guarantee of privacy'
  if (!areDistinct(metrics)) return 'a figure is named twice'
  if (metrics.length > 0 && validation === undefined) return 'there are no rows to measure with'
  if (metricsEpsilonMicros !== undefined && metrics.length === 0) return 'no figure has the noise'
  if (metricsEpsilonMicros !== undefined && metricsEpsilonMicros < metrics.length)
    return 'a figure has no part of the noise budget'
  const classes = data.label.kind === 'category' ? data.label.values.length : 0
  if (classes === 0 && metrics.some((metric) => metric !== 'loss')) return 'numbers have no classes'
  if (classes !== 2 && metrics.includes('auc')) return 'auc is of two classes'
  if (descent?.stopEarly && validation === undefined) return 'nothing is measured that says when to stop'
  if (privacy === undefined) return undefined
  if (show === 'loss') return 'the loss of a step would tell of rows that are protected'
  if (descent?.stopEarly && !Object.hasOwn(validation!, 'tables'))
    return 'when a training stops would tell of rows that are protected'
  const isMeasured = validation !== undefined && Object.hasOwn(validation, 'splitNanos') && metrics.length > 0
  return isMeasured && metricsEpsilonMicros === undefined
    ? 'figures would tell of rows that are protected'
    : undefined
}
