import type { GraphBuilder } from '../builder.ts'
import type { Node, Value } from '../ir.ts'
import type { BatchAxis } from './axis.ts'
import { AXIS_RULES } from './rules.ts'

/** What {@link trackBatch} found. */
export interface Tracked {
  /** Values that depend on examples, and where in them the examples are. */
  readonly axes: ReadonlyMap<Value, BatchAxis>
  /** Nodes after which examples may be mixed, first ones only: what follows them is not looked at. */
  readonly mixing: readonly Node[]
}

/**
 * Follows the examples from axis 0 of the inputs through a graph. A value that is in `axes` holds at each example's
 * places what comes from that example and from weights alone: that is what clipping by example rests on.
 *
 * @param inputs all inputs that hold examples
 */
export function trackBatch(
  b: GraphBuilder,
  nodes: readonly Node[],
  inputs: readonly Value[],
  batch: number,
): Tracked {
  const axes = new Map<Value, BatchAxis>(inputs.map((input) => [input, { axis: 0, inner: 1 }]))
  const unknown = new Set<Value>()
  const mixing: Node[] = []
  for (const node of nodes) {
    const given = node.inputs.map((input) => input && axes.get(input))
    const isAfter = node.inputs.some((input) => input !== undefined && unknown.has(input))
    if (!isAfter && given.every((axis) => axis === undefined)) continue
    const found = isAfter ? undefined : AXIS_RULES.get(node.op)?.({ b, node, batch, axes: given })
    if (found === undefined && !isAfter) mixing.push(node)
    for (const output of node.outputs) {
      if (found === undefined) unknown.add(output)
      else axes.set(output, found)
    }
  }
  return { axes, mixing }
}
