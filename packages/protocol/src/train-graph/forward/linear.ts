import type { OnnxModel } from '../../onnx/index.ts'
import { layerOf, recipeModel, recipeNode } from './recipe.ts'

/**
 * A linear model: `y` [batch, outputs] = `x`·w + b, with zeros to begin with. With the loss `binary` or
 * `cross-entropy` it is logistic regression, with `squared` linear regression.
 *
 * @param features and `outputs` from 1 on
 */
export function linearForward({ features, outputs }: { features: number; outputs: number }): OnnxModel {
  const weights = layerOf(0, new Float32Array(features * outputs), outputs)
  return recipeModel(features, outputs, [recipeNode('Gemm', ['x', 'w0', 'b0'], 'y')], weights)
}
