import type { FinetuneTask, TrainColumn, TrainTask } from '@sotto/protocol/contract'

/** How large what is trained is, as far as the task alone tells. */
export interface TrainingSizes {
  /** Numbers that a row becomes; of a fine-tuning none. */
  places: number | undefined
  /** Weights; undefined of trees, and of what a party brings. */
  parameters: number | undefined
  /** Bytes of the model about, for the bound of its output. */
  bytes: number | undefined
}

const FLOAT_BYTES = 4
/** A graph with its scaling and names, per place and in all. */
const BYTES_OF_PLACE = 256
const BYTES_OF_GRAPH = 4096

/** Sizes of a training. Of numbers and two classes a model has one output, of more classes one each. */
export function sizesOf(task: TrainTask | FinetuneTask): TrainingSizes {
  if (task.kind === 'finetune') return { places: undefined, parameters: undefined, bytes: undefined }
  const { recipe, data } = task
  const { features, label } = data
  const places = features.reduce((sum, feature) => sum + placesOf(feature), 0)
  const outputs = label.kind === 'category' && label.values.length > 2 ? label.values.length : 1
  const layers =
    recipe.kind === 'mlp'
      ? [places, ...recipe.hidden, outputs]
      : recipe.kind === 'linear'
        ? [places, outputs]
        : undefined
  // Of each layer the weights, and what is added.
  const parameters = layers?.slice(1).reduce((sum, to, at) => sum + (layers[at]! + 1) * to, 0)
  const bytes =
    parameters === undefined ? undefined : parameters * FLOAT_BYTES + places * BYTES_OF_PLACE + BYTES_OF_GRAPH
  return { places, parameters, bytes }
}

function placesOf(feature: TrainColumn): number {
  return feature.kind === 'number' ? 1 : feature.values.length + 1
}
