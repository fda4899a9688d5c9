import type { TrainRecipe } from '@sotto/protocol/contract'
import { roomTrainError } from '../errors.ts'
import { clipWithin } from '../noise/grid.ts'
import { MAX_EXACT_PARAMETERS, type PrivacySettings } from '../settings.ts'

/** Weights of a recipe: what is more takes longer to copy than to train. */
const MAX_PARAMETERS = 2 ** 24

/** A recipe whose graph is built here. */
export type BuiltRecipe = TrainRecipe & { kind: 'linear' | 'mlp' }

/**
 * Sizes of the layers of a recipe, from features to outputs.
 * @throws `ROOM_TRAIN_TOO_LARGE`
 */
export function layersOf(recipe: BuiltRecipe, features: number, outputs: number): readonly number[] {
  const sizes = [features, ...(recipe.kind === 'mlp' ? recipe.hidden : []), outputs]
  const parameters = parametersOf(sizes)
  if (parameters <= MAX_PARAMETERS) return sizes
  throw roomTrainError('ROOM_TRAIN_TOO_LARGE', 'the model has more weights than a trainer takes', {
    expected: `at most ${MAX_PARAMETERS}`,
    found: `${parameters}`,
  })
}

/** Weights of layers, with one more for each output. */
export function parametersOf(sizes: readonly number[]): number {
  return sizes.slice(1).reduce((sum, size, at) => sum + size * (sizes[at]! + 1), 0)
}

/**
 * What a graph of so many weights may clip the gradient of a row to.
 * @throws `ROOM_TRAIN_PRIVACY`
 */
export function clipOf(privacy: PrivacySettings, parameters: number): number {
  if (privacy.kind === 'discrete' && parameters > MAX_EXACT_PARAMETERS)
    throw roomTrainError('ROOM_TRAIN_PRIVACY', 'exact noise is for small models', {
      expected: `at most ${MAX_EXACT_PARAMETERS} parameters`,
      found: `${parameters}`,
    })
  const clip = clipWithin({ ...privacy, parameters })
  if (clip !== undefined) return clip
  throw roomTrainError('ROOM_TRAIN_PRIVACY', 'so much noise on so many parameters leaves no clip')
}
