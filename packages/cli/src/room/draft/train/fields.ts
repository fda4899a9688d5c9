import { COLUMN_NAME, CONTRACT_NAME, type TrainColumn, type TrainTask } from '@sotto/protocol/contract'
import { type Decoder, integer, jcsError, list, members as object, oneOf, text } from '@sotto/protocol/jcs'
import { METRIC_NAMES } from '@sotto/protocol/training'
import { GIB, MIB } from '../../../deploy/file/values.ts'
import { bytes, decimal, epsilon } from '../values.ts'
import { featuresField, labelField } from './columns.ts'
import { DESCENT_FIELDS, descentOf, type DescentMembers } from './descent-fields.ts'
import { MAX_RUN_EPSILON_MICROS, privacyField } from './privacy-field.ts'
import { type RecipeField, recipeField } from './recipe-fields.ts'
import type { DraftPrivacy, DraftTrain } from './types.ts'

const NANOS = 1_000_000_000
const MAX_TABLES = 32
const MAX_KEYS = 4
const MAX_DAY_SECONDS = 86_400
const DEFAULT_SECONDS = 3600

const name = text(32, CONTRACT_NAME)
const column = text(63, COLUMN_NAME)
const tables = list(name, 1, MAX_TABLES)

interface Given extends DescentMembers {
  recipe: RecipeField
  features: TrainColumn[]
  label: TrainColumn
  tables?: string[]
  join_on?: string[]
  validation?: NonNullable<TrainTask['validation']>
  privacy?: DraftPrivacy
  metrics?: TrainTask['metrics']
  metrics_epsilon?: number
  predict?: NonNullable<TrainTask['predict']>
  show?: TrainTask['show']
  memory?: number
  seconds?: number
}

/** `0.2` of the rows, drawn by chance, or tables of their own. */
const validation: Decoder<NonNullable<TrainTask['validation']>> = (value, path) =>
  Array.isArray(value)
    ? { tables: tables(value, path) }
    : { splitNanos: decimal(9, 1, NANOS - 1)(value, path) }

const given: Decoder<Given> = object<Given>(
  { recipe: recipeField, features: featuresField, label: labelField },
  {
    ...DESCENT_FIELDS,
    tables,
    join_on: list(column, 1, MAX_KEYS),
    validation,
    privacy: privacyField,
    metrics: list(oneOf(...METRIC_NAMES), 0, METRIC_NAMES.length),
    metrics_epsilon: epsilon(MAX_RUN_EPSILON_MICROS),
    predict: object<{ table: string; key: string }>({ table: name, key: column }, {}),
    show: oneOf('steps', 'loss'),
    memory: bytes(MIB, 64 * GIB),
    seconds: integer(1, MAX_DAY_SECONDS),
  },
)

/**
 * `train`, with what is not said filled in: nobody but the room sees a loss while it runs, unless the draft says
 * `show: loss`.
 * @throws `JCS_FIELD`
 */
export const trainField: Decoder<DraftTrain> = (value, path) => {
  const found = given(value, path)
  const { recipe, label, privacy, metrics_epsilon: metricsEpsilonMicros } = found
  requireLabel(recipe, label, path)
  const isOfTrees = recipe.recipe.kind === 'gbdt'
  const idle = Object.keys(DESCENT_FIELDS).find((member) => Object.hasOwn(found, member))
  if (isOfTrees && idle !== undefined)
    throw jcsError('JCS_FIELD', `${path}.${idle}: trees have no steps; what they have is in recipe.gbdt`)
  return {
    kind: 'train',
    recipe: recipe.recipe,
    data: {
      tables: found.tables,
      features: found.features,
      label,
      ...(found.join_on && { joinOn: found.join_on }),
    },
    ...(found.validation && { validation: found.validation }),
    descent: isOfTrees ? undefined : descentOf(found),
    privacy,
    metrics: found.metrics,
    ...(metricsEpsilonMicros !== undefined && { metricsEpsilonMicros }),
    ...(found.predict && { predict: found.predict }),
    show: found.show ?? 'steps',
    limits: { memoryBytes: found.memory ?? GIB, seconds: found.seconds ?? DEFAULT_SECONDS },
  }
}

/** What a recipe is called says what the label is. */
function requireLabel({ label: wanted }: RecipeField, label: TrainColumn, path: string): void {
  if (wanted === undefined) return
  const classes = label.kind === 'category' ? label.values.length : 0
  if (wanted === 'two classes' ? classes === 2 : classes > 2) return
  throw jcsError(
    'JCS_FIELD',
    `${path}.label: the recipe tells ${wanted} apart`,
    wanted,
    classes === 0 ? 'numbers' : `${classes} classes`,
  )
}
