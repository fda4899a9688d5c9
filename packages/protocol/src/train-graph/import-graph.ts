import { type OnnxModel, type OnnxNode, scopeOf } from '../onnx/index.ts'
import type { GraphBuilder } from './builder.ts'
import { graphError } from './errors.ts'
import type { Value } from './ir.ts'
import { addImported } from './import-node.ts'

/** Versions of the operators of ONNX that are read; what changed between them is written anew. */
export const MIN_OPSET = 13
export const MAX_OPSET = 20

/** Sizes for dimensions that a graph leaves free. */
export interface Sizes {
  /** Axis 0 of every input: examples. */
  readonly batch: number
  /** Every other free dimension; refused where it is absent. */
  readonly sequence?: number
}

/** An owner's graph in a builder. */
export interface Imported {
  /** Its inputs that are data, by name, in order. */
  readonly inputs: ReadonlyMap<string, Value>
  readonly outputs: ReadonlyMap<string, Value>
  /** What each name became. */
  readonly values: ReadonlyMap<string, Value>
}

/**
 * Adds an owner's graph to a builder, with all dimensions known. The owner controls the graph; what cannot be in a
 * train graph is refused with the name of its node.
 *
 * @param given values that stand for initializers of these names: what is trained
 * @throws `GRAPH_NO_RULE` for foreign operators, control flow and random ones, `GRAPH_SHAPE`
 */
export function importGraph(
  b: GraphBuilder,
  model: OnnxModel,
  sizes: Sizes,
  given: ReadonlyMap<string, Value> = new Map(),
): Imported {
  const opset = model.opsets.get('') ?? 0
  if (opset < MIN_OPSET || opset > MAX_OPSET)
    throw graphError('GRAPH_NO_RULE', `operators of version ${opset}; read are ${MIN_OPSET} to ${MAX_OPSET}`)
  const values = new Map<string, Value>()
  const constants = new Set<string>()
  for (const tensor of model.initializers) {
    constants.add(tensor.name)
    values.set(tensor.name, given.get(tensor.name) ?? b.constant(tensor))
  }
  const inputs = new Map<string, Value>()
  for (const { name, type, dims } of model.inputs) {
    // In old models constants stand among the inputs too.
    if (constants.has(name)) continue
    const value = b.input(`x.${inputs.size}`, type!, dimsOf(dims, sizes, name))
    inputs.set(name, value)
    values.set(name, value)
  }
  for (const node of model.nodes) {
    if (node.domain !== '')
      throw graphError('GRAPH_NO_RULE', 'operator is none of ONNX itself', whereOf(node))
    const found = node.inputs.map((name) => (name === '' ? undefined : values.get(name)!))
    const outputs = addImported(b, node, found, { opset, where: whereOf(node) })
    for (const [i, name] of node.outputs.entries()) {
      if (name === '') continue
      const output = outputs[i]
      if (output === undefined)
        throw graphError('GRAPH_NO_RULE', 'node has an output that is not known here', whereOf(node))
      values.set(name, output)
    }
  }
  return { inputs, values, outputs: new Map(model.outputs.map(({ name }) => [name, values.get(name)!])) }
}

/** Operator, name and module of a node. */
export function whereOf(node: OnnxNode): string {
  const scope = scopeOf(node)
  return `${node.op} ${node.name}${scope === undefined ? '' : ` in ${scope}`}`.trim()
}

function dimsOf(dims: readonly (number | string)[] | undefined, sizes: Sizes, name: string): number[] {
  if (dims === undefined) throw graphError('GRAPH_SHAPE', 'input has no known number of dimensions', name)
  return dims.map((dim, axis) => {
    if (axis === 0) return sizes.batch
    if (typeof dim === 'number') return dim
    if (sizes.sequence === undefined)
      throw graphError('GRAPH_SHAPE', `dimension ${axis} of an input is free`, name)
    return sizes.sequence
  })
}
