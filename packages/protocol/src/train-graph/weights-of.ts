import { countOf, floatsOf, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx/index.ts'
import { graphError } from './errors.ts'

/** Inputs at which operators have their weights. */
const PLACES: Readonly<Record<string, readonly number[]>> = {
  MatMul: [1],
  Gemm: [1, 2],
  Conv: [1, 2],
  Gather: [0],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  BatchNormalization: [1, 2],
}

/**
 * Names of the initializers to train. `all` are those that stand where layers have weights: matrices, kernels, tables, scales
 * and biases (but for those of an InstanceNormalization that do nothing); and vectors of more than one entry, not all the same, that are added or multiplied.
 *
 * @throws `GRAPH_TARGET` for a name that no initializer has, or of one that is not float32
 */
export function weightsOf(model: OnnxModel, trainable: 'all' | readonly string[]): readonly string[] {
  const byName = new Map(model.initializers.map((tensor) => [tensor.name, tensor]))
  if (trainable === 'all') {
    const names = new Set(model.nodes.flatMap((node) => namesAt(node, byName)))
    return [...names].filter((name) => byName.get(name)?.type === 'float32')
  }
  const found = trainable.find((name) => byName.get(name)?.type !== 'float32')
  if (found !== undefined) throw graphError('GRAPH_TARGET', 'no float32 weight has this name', found)
  if (new Set(trainable).size < trainable.length) throw graphError('GRAPH_TARGET', 'a weight is named twice')
  return trainable
}

function namesAt(node: OnnxNode, tensors: ReadonlyMap<string, OnnxTensor>): string[] {
  const places = PLACES[node.op]
  if (places) {
    const names = places.flatMap((place) => node.inputs[place] ?? [])
    return node.op === 'InstanceNormalization' ? names.filter((name) => !isPlain(tensors.get(name))) : names
  }
  if (node.op !== 'Add' && node.op !== 'Mul') return []
  return node.inputs.filter((name) => {
    const tensor = tensors.get(name)
    return tensor !== undefined && isVector(tensor)
  })
}

/** Ones or zeros: how exporters write a GroupNorm, whose own scale and bias come after it. */
function isPlain(tensor: OnnxTensor | undefined): boolean {
  if (tensor?.type !== 'float32') return true
  const values = floatsOf(tensor)
  return values.every((value) => value === values[0]) && (values[0] === 0 || values[0] === 1)
}

/** One dimension is more than 1. */
function isVector({ dims }: OnnxTensor): boolean {
  return countOf(dims) > 1 && dims.filter((dim) => dim > 1).length === 1
}

/**
 * The same model with one initializer for each use of a weight, and the names of all of them: exporters write equal
 * weights of several layers as one, and training it would tie them. The first use keeps the name, others get `#2`, `#3`.
 */
export function separateUses(
  model: OnnxModel,
  names: readonly string[],
): { readonly model: OnnxModel; readonly names: readonly string[] } {
  const uses = new Map(names.map((name) => [name, 0]))
  const taken = new Set(model.initializers.map(({ name }) => name))
  const tensors = new Map(model.initializers.map((tensor) => [tensor.name, tensor]))
  const copies: OnnxTensor[] = []
  const nodes = model.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => {
      const count = (uses.get(name) ?? 0) + 1
      if (!uses.has(name) || uses.set(name, count).get(name) === 1) return name
      const copy = `${name}#${count}`
      if (taken.has(copy)) throw graphError('GRAPH_TARGET', 'the name for a copy of a weight is taken', copy)
      copies.push({ ...tensors.get(name)!, name: copy })
      return copy
    }),
  }))
  return {
    model: { ...model, nodes, initializers: [...model.initializers, ...copies] },
    names: [...names, ...copies.map(({ name }) => name)],
  }
}
