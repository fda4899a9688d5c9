import { integersOf } from '../../onnx/index.ts'
import type { GraphBuilder } from '../builder.ts'
import { graphError } from '../errors.ts'
import type { Node, Value } from '../ir.ts'

/** Makes the gradient of one input, only when it is wanted. */
export type Lazy = () => Value

/**
 * The gradient of an operator: from the gradients of its outputs, one for each input in its place. Undefined for an
 * input that has none; asking for it is then refused.
 *
 * @param grads gradients of the node's outputs; undefined where nothing that counts uses an output
 */
export type Rule = (
  b: GraphBuilder,
  node: Node,
  grads: readonly (Value | undefined)[],
) => readonly (Lazy | undefined)[]

/** The gradient of the first output, for operators with one. */
export function first(grads: readonly (Value | undefined)[]): Value {
  return grads[0]!
}

/** A use of an operator that has no gradient here. */
export function noRule(node: Node, message: string): Error {
  return graphError('GRAPH_NO_RULE', message, node.where)
}

/** Integers of an input that are known while the graph is built; undefined where it is left out, or holds others. */
export function constantInts(b: GraphBuilder, value: Value | undefined): readonly number[] | undefined {
  const tensor = value && b.constantOf(value)
  return tensor?.type === 'int64' || tensor?.type === 'int32' ? integersOf(tensor) : undefined
}
