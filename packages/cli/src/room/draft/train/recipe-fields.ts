import { CONTRACT_NAME, type TrainRecipe } from '@sotto/protocol/contract'
import { type Decoder, integer, list, members as object, oneOf, partial, text } from '@sotto/protocol/jcs'
import { decimal, kindOf } from '../values.ts'
import { WEIGHTS_FIELDS, weightsOf } from '../weights-fields.ts'
import type { DraftRecipe } from './types.ts'

const MICROS = 1_000_000
const DEFAULT_HIDDEN = [32]

const linear: Decoder<DraftRecipe> = (value, path) => {
  partial<object>({})(value, path)
  return { kind: 'linear' }
}

const mlp: Decoder<DraftRecipe> = (value, path) => {
  const { hidden = DEFAULT_HIDDEN, activation = 'relu' } = partial<
    Partial<Omit<TrainRecipe & { kind: 'mlp' }, 'kind'>>
  >({ hidden: list(integer(1, 8192), 1, 8), activation: oneOf('relu', 'tanh') })(value, path)
  return { kind: 'mlp', hidden: [...hidden], activation }
}

const gbdt: Decoder<DraftRecipe> = (value, path) => {
  const given = partial<{
    trees?: number
    depth?: number
    bins?: number
    learning_rate?: number
    lambda?: number
    min_child_weight?: number
  }>({
    trees: integer(1, 10_000),
    depth: integer(1, 12),
    bins: integer(2, 256),
    learning_rate: decimal(6, 1, MICROS),
    lambda: decimal(6, 0, MICROS * MICROS),
    min_child_weight: decimal(6, 0, 1000 * MICROS * MICROS),
  })(value, path)
  return {
    kind: 'gbdt',
    trees: given.trees ?? 100,
    depth: given.depth ?? 5,
    bins: given.bins ?? 64,
    learningRateMicros: given.learning_rate ?? MICROS / 10,
    lambdaMicros: given.lambda ?? MICROS,
    minChildWeightMicros: given.min_child_weight ?? MICROS,
  }
}

const graph: Decoder<DraftRecipe> = (value, path) => {
  const {
    digest,
    path: place,
    ...given
  } = object<{ model: string; output: string; digest?: string; path?: string }>(
    { model: text(32, CONTRACT_NAME), output: text(256, /^[!-~]+$/) },
    WEIGHTS_FIELDS,
  )(value, path)
  return { kind: 'graph', ...given, digest: weightsOf({ digest, path: place }, path) }
}

/** What to train, by the field's name for it. */
export interface RecipeField {
  recipe: DraftRecipe
  /** What the name says of the label; undefined where it fits any. */
  label?: 'two classes' | 'several classes'
}

const of =
  (decoder: Decoder<DraftRecipe>, label?: RecipeField['label']): Decoder<RecipeField> =>
  (value, path) => ({ recipe: decoder(value, path), ...(label && { label }) })

/** `recipe`: `logistic`, `{mlp: {hidden: [64, 32]}}` and so on. @throws `JCS_FIELD` */
export const recipeField: Decoder<RecipeField> = kindOf({
  linear: of(linear),
  logistic: of(linear, 'two classes'),
  softmax: of(linear, 'several classes'),
  mlp: of(mlp),
  gbdt: of(gbdt),
  graph: of(graph),
})
