import type { GraphBuilder } from './builder.ts'
import { graphError } from './errors.ts'
import type { Node, Value } from './ir.ts'
import { differentiableFrom, leadingTo } from './live.ts'
import { plus } from './math.ts'
import { RULES } from './rules/index.ts'

/** Gradients by value; sums where several nodes use one. */
export class Gradients {
  readonly #b: GraphBuilder
  readonly #of = new Map<Value, Value>()

  constructor(b: GraphBuilder) {
    this.#b = b
  }

  get(value: Value): Value | undefined {
    return this.#of.get(value)
  }

  add(value: Value, gradient: Value): void {
    if (String(gradient.dims) !== String(value.dims))
      throw graphError(
        'GRAPH_SHAPE',
        `a gradient of [${gradient.dims.join()}] is not of [${value.dims.join()}]`,
      )
    const before = this.#of.get(value)
    this.#of.set(value, before ? plus(this.#b, before, gradient) : gradient)
  }
}

/** What {@link backward} does. */
export interface Backward {
  /** Nodes of the forward graph in order. */
  readonly nodes: readonly Node[]
  /** What gradients are wanted of. */
  readonly wanted: readonly Value[]
  /** Values whose gradients are known, and those. */
  readonly seeds: readonly (readonly [value: Value, gradient: Value])[]
  /** Takes the gradient of one input of a node into its own hands: nothing then flows there. */
  readonly takes?: (node: Node, index: number, grads: readonly (Value | undefined)[]) => boolean
}

/**
 * Adds the nodes that compute gradients, last node first. Only what lies between `wanted` and `seeds` is visited, so
 * that masks, positions and frozen parts need no rule.
 *
 * @throws `GRAPH_NO_RULE` naming the node that has none
 */
export function backward(b: GraphBuilder, { nodes, wanted, seeds, takes }: Backward): Gradients {
  const gradients = new Gradients(b)
  for (const [value, gradient] of seeds) gradients.add(value, gradient)
  const reached = differentiableFrom(nodes, wanted)
  const leading = leadingTo(
    nodes,
    seeds.map(([value]) => value),
  )
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => reached.has(output) && leading.has(output))) continue
    const grads = node.outputs.map((output) => gradients.get(output))
    if (grads.every((grad) => grad === undefined)) continue
    const rule = RULES.get(node.op)
    b.place = node.where
    // Split alone may have a gradient for some of its outputs only; others of an operator are statistics and places.
    const parts = node.op === 'Split' || grads[0] !== undefined ? rule?.(b, node, grads) : undefined
    for (const [index, input] of node.inputs.entries()) {
      if (input === undefined || !reached.has(input)) continue
      if (takes?.(node, index, grads)) continue
      const part = parts?.[index]
      if (part === undefined)
        throw graphError('GRAPH_NO_RULE', `no gradient rule for input ${index} of ${node.op}`, node.where)
      gradients.add(input, part())
    }
  }
  b.place = ''
  return gradients
}
