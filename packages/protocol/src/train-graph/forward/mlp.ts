import type { OnnxModel } from '../../onnx/index.ts'
import { graphError } from '../errors.ts'
import { even } from './even.ts'
import { layerOf, recipeModel, recipeNode } from './recipe.ts'

/** A multi-layer perceptron. */
export interface Mlp {
  /** Sizes of its layers from features to outputs, at least two, each from 1 on. */
  readonly sizes: readonly number[]
  readonly activation: 'relu' | 'tanh'
  /** A whole number from 0 to 2^32 - 1 that the first weights come from. It is public and decides nothing private. */
  readonly seed: number
}

const OPS = { relu: 'Relu', tanh: 'Tanh' } as const

/**
 * A multi-layer perceptron whose first weights are even between ±√(6 / (inputs + outputs)) (Glorot and Bengio 2010).
 *
 * @throws `GRAPH_TARGET` for fewer than two sizes, or ones that are none
 */
export function mlpForward({ sizes, activation, seed }: Mlp): OnnxModel {
  if (sizes.length < 2 || !sizes.every((size) => Number.isInteger(size) && size > 0))
    throw graphError('GRAPH_TARGET', 'sizes of layers are two whole numbers or more', sizes.join())
  const next = even(seed)
  const layers = sizes.slice(1).map((outputs, i) => {
    const inputs = sizes[i]!
    const bound = Math.sqrt(6 / (inputs + outputs))
    return layerOf(
      i,
      Float32Array.from({ length: inputs * outputs }, () => (2 * next() - 1) * bound),
      outputs,
    )
  })
  const nodes = layers.flatMap((_, i) => {
    const [from, isLast] = [i === 0 ? 'x' : `h${i - 1}`, i === layers.length - 1]
    const dense = recipeNode('Gemm', [from, `w${i}`, `b${i}`], isLast ? 'y' : `z${i}`)
    return isLast ? [dense] : [dense, recipeNode(OPS[activation], [`z${i}`], `h${i}`)]
  })
  return recipeModel(sizes[0]!, sizes.at(-1)!, nodes, layers.flat())
}
