import {
  type AttributeValue,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  tensorOf,
} from '../../onnx/index.ts'

/** A node of a recipe. */
export function recipeNode(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
): OnnxNode {
  return {
    op,
    domain: '',
    name: output,
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes)),
    metadata: new Map(),
  }
}

/** A graph from `x` [batch, features] to `y` [batch, outputs]. */
export function recipeModel(
  features: number,
  outputs: number,
  nodes: readonly OnnxNode[],
  initializers: readonly OnnxTensor[],
): OnnxModel {
  return {
    irVersion: 8,
    opsets: new Map([['', 18]]),
    name: 'recipe',
    inputs: [{ name: 'x', type: 'float32', dims: ['batch', features] }],
    outputs: [{ name: 'y', type: 'float32', dims: ['batch', outputs] }],
    initializers,
    nodes,
  }
}

/** Weights of a layer: a matrix [inputs, outputs] and zeros as bias. */
export function layerOf(index: number, matrix: Float32Array, outputs: number): [OnnxTensor, OnnxTensor] {
  return [
    tensorOf(`w${index}`, 'float32', [matrix.length / outputs, outputs], matrix),
    tensorOf(`b${index}`, 'float32', [outputs], new Float32Array(outputs)),
  ]
}
