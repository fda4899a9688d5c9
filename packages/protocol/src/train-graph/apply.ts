import { type OnnxModel, tensorOf } from '../onnx/index.ts'
import { graphError } from './errors.ts'
import type { TrainGraph } from './types.ts'

/**
 * The forward graph with trained weights in it: what is released.
 *
 * @param values one array for each parameter, in order
 * @throws `GRAPH_TARGET` where they are not as many or as long as the parameters
 */
export function applyParameters(
  { forward, parameters }: Pick<TrainGraph, 'forward' | 'parameters'>,
  values: readonly Float32Array[],
): OnnxModel {
  const isFit = parameters.every(({ initial }, i) => values[i]?.length === initial.length)
  if (!isFit || values.length !== parameters.length)
    throw graphError('GRAPH_TARGET', 'there is not one value for each entry of each parameter')
  const trained = new Map(
    parameters.map(({ name, dims }, i) => [name, tensorOf(name, 'float32', dims, values[i]!)] as const),
  )
  return {
    ...forward,
    initializers: forward.initializers.map((tensor) => trained.get(tensor.name) ?? tensor),
  }
}
