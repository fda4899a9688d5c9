import type { Node, Value } from './ir.ts'

/** Values that any of `to` depends on, those included. */
export function leadingTo(nodes: readonly Node[], to: Iterable<Value>): ReadonlySet<Value> {
  const leading = new Set(to)
  for (const { inputs, outputs } of nodes.toReversed())
    if (outputs.some((output) => leading.has(output)))
      for (const input of inputs) if (input !== undefined) leading.add(input)
  return leading
}

/**
 * Values that depend on any of `from`, those included, but only over real numbers: a gradient ends where a value becomes a
 * truth or an index.
 */
export function differentiableFrom(nodes: readonly Node[], from: Iterable<Value>): ReadonlySet<Value> {
  const reached = new Set(from)
  for (const { inputs, outputs } of nodes)
    if (inputs.some((input) => input !== undefined && reached.has(input)))
      for (const output of outputs) if (output.type.startsWith('float')) reached.add(output)
  return reached
}
