import type { GraphBuilder } from '../builder.ts'
import type { Node, Value } from '../ir.ts'

/**
 * Where the examples of a value are: `dims[axis]` is batch × inner, and the example is the outer of the two. What is
 * at one example's places depends on that example alone.
 */
export interface BatchAxis {
  readonly axis: number
  readonly inner: number
}

/** A node of which some input depends on examples. */
export interface AxisAsked {
  readonly b: GraphBuilder
  readonly node: Node
  readonly batch: number
  /** Undefined for an input that depends on no example. */
  readonly axes: readonly (BatchAxis | undefined)[]
}

/** Where the examples are in a node's outputs; undefined where they would mix. */
export type AxisRule = (asked: AxisAsked) => BatchAxis | undefined

/** The axis that all inputs with examples have, when each is counted from the last; undefined where they differ. */
export function agreeing({ node, axes, batch }: AxisAsked): BatchAxis | undefined {
  const output = node.outputs[0]!.dims
  let found: BatchAxis | undefined
  for (const [i, one] of axes.entries()) {
    if (one === undefined) continue
    const here = { axis: one.axis + output.length - node.inputs[i]!.dims.length, inner: one.inner }
    if (found && (found.axis !== here.axis || found.inner !== here.inner)) return undefined
    found = here
  }
  return found && output[found.axis] === batch * found.inner ? found : undefined
}

/** The same place after a change of shape: as many elements before it, and whole examples in it. */
export function afterReshape(
  from: Value,
  to: Value,
  { axis }: BatchAxis,
  batch: number,
): BatchAxis | undefined {
  const before = from.dims.slice(0, axis).reduce((product, dim) => product * dim, 1)
  let product = 1
  for (const [at, dim] of to.dims.entries()) {
    if (product === before && dim > 0 && dim % batch === 0) return { axis: at, inner: dim / batch }
    product *= dim
  }
  return undefined
}
