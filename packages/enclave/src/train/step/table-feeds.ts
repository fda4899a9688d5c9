import { Tensor } from 'onnxruntime-node'
import type { Values } from '../../engines/onnx/index.ts'
import { fillRows, type Part } from '../data/part.ts'
import { roomTrainError } from '../errors.ts'
import type { StepGraph, TargetInput } from './graph.ts'

/**
 * Writes rows as a graph reads them. The tensors are the same each time, with other content: the runtime reads them while it
 * runs, and keeps none. What rows do not fill is zeros.
 */
export function tableFeeds({
  microBatch,
  data,
  target,
}: Pick<StepGraph, 'microBatch' | 'data'> & { readonly target?: TargetInput }): (
  part: Part,
  rows: Uint32Array,
) => Values {
  const { width } = data
  const features = new Float32Array(microBatch * width)
  const labels = target && labelTensor(target)
  const feeds = {
    [data.name]: new Tensor('float32', features, [microBatch, width]),
    ...(target && labels && { [target.name]: labels.tensor }),
  }
  /** Rows of the last time: what is past them is zeros. */
  let filled = 0
  return (part, rows) => {
    if (part.width !== width)
      throw roomTrainError(
        'ROOM_TRAIN_GRAPH',
        'the graph reads another number of places than the features have',
      )
    fillRows(part, rows, features)
    if (rows.length < filled) features.fill(0, rows.length * width, filled * width)
    labels?.fill(part.labels, rows)
    filled = rows.length
    return feeds
  }
}

/** A tensor of labels, and how it is filled. */
function labelTensor({ type, dims }: TargetInput): {
  tensor: Tensor
  fill(labels: Float32Array, rows: Uint32Array): void
} {
  const count = dims.reduce((product, size) => product * size, 1)
  if (type === 'float32') {
    const values = new Float32Array(count)
    return {
      tensor: new Tensor('float32', values, dims),
      fill: (labels, rows) => {
        for (let at = 0; at < rows.length; at++) values[at] = labels[rows[at]!]!
        values.fill(0, rows.length)
      },
    }
  }
  const places = new BigInt64Array(count)
  // Places of classes are small: the lower half of each number, the first on every processor that the runtime is for.
  const halves = new Int32Array(places.buffer)
  return {
    tensor: new Tensor('int64', places, dims),
    fill: (labels, rows) => {
      for (let at = 0; at < rows.length; at++) halves[2 * at] = labels[rows[at]!]!
      halves.fill(0, 2 * rows.length)
    },
  }
}
