import type { BatchAxis } from './batch-axis/axis.ts'
import type { GraphBuilder } from './builder.ts'
import type { Node, Value } from './ir.ts'
import { gatheredRows, siteRule, takesRows } from './per-example/sites.ts'
import type { PrivacyBreak } from './privacy-break.ts'

/** Which inputs of which nodes a value is. */
export type Uses = ReadonlyMap<Value, readonly { readonly node: Node; readonly index: number }[]>

/** All uses of all values. */
export function usesOf(nodes: readonly Node[]): Uses {
  const uses = new Map<Value, { node: Node; index: number }[]>()
  for (const node of nodes)
    for (const [index, input] of node.inputs.entries()) {
      if (input === undefined) continue
      const here = uses.get(input)
      if (here) here.push({ node, index })
      else uses.set(input, [{ node, index }])
    }
  return uses
}

/** Follows a weight through views of it to the one place where it meets examples. */
export function useBreak(
  b: GraphBuilder,
  uses: Uses,
  weight: Value,
  axes: ReadonlyMap<Value, BatchAxis>,
): PrivacyBreak | undefined {
  let value = weight
  let repeated: Value | undefined
  for (;;) {
    const here = uses.get(value) ?? []
    const [use] = here
    if (use === undefined) return undefined
    const { node, index } = use
    if (here.length > 1) return { rule: 'double-use', node: node.where, words: DOUBLE_USE }
    const output = node.outputs[0]!
    if (axes.has(output)) {
      const isFit = repeated === undefined || (repeated === value && takesRows(node, index))
      if (isFit && siteRule(node, index)) return undefined
      return {
        rule: 'weight-use',
        node: node.where,
        words: `no norm by example for input ${index} of ${node.op}`,
      }
    }
    if (index !== 0 || !isView(b, node))
      return {
        rule: 'weight-use',
        node: node.where,
        words: `${node.op} changes a weight before examples meet it`,
      }
    const rows = gatheredRows(b, node)
    if (rows && new Set(rows).size < rows.length) repeated = output
    value = output
  }
}

const DOUBLE_USE =
  'a weight is used at several places: if it is only written as one, say so with isTied: false'

const ARRANGED = new Set(['Reshape', 'Transpose', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten', 'Slice'])

/** Whether an operator gives entries of a weight as they are. Each at most once, but for rows of a table. */
function isView(b: GraphBuilder, node: Node): boolean {
  return ARRANGED.has(node.op) || gatheredRows(b, node) !== undefined
}
