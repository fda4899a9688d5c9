import type { OnnxModel, OnnxNode, OnnxPort } from '../onnx/index.ts'
import type { GraphBuilder } from './builder.ts'
import type { Node, Value } from './ir.ts'

/** The version of the operators that are written here, and of the format that it came with. */
const OPSET = 18
const IR_VERSION = 8

/** An output and its name. */
export type NamedOutput = readonly [name: string, value: Value]

/**
 * The graph of a builder as a model: the nodes that lead to its outputs, in order, with the constants that they use.
 * Every input stays, used or not. No name of the owner's graph is in it.
 */
export function emitModel(b: GraphBuilder, outputs: readonly NamedOutput[]): OnnxModel {
  const used = new Set<Value>(outputs.map(([, value]) => value))
  const kept: Node[] = []
  for (const node of b.nodes.toReversed()) {
    if (!node.outputs.some((output) => used.has(output))) continue
    kept.push(node)
    for (const input of node.inputs) if (input) used.add(input)
  }
  const constants = [...used].flatMap((value) => {
    const tensor = b.constantOf(value)
    return tensor ? [{ ...tensor, name: value.name }] : []
  })
  return {
    irVersion: IR_VERSION,
    opsets: new Map([['', OPSET]]),
    name: 'sotto',
    inputs: b.inputs.map(portOf),
    outputs: outputs.map(([name, value]) => ({ ...portOf(value), name })),
    initializers: constants.sort((x, y) => Number(x.name.slice(1)) - Number(y.name.slice(1))),
    nodes: [
      ...kept.reverse().map((node) => nodeOf(node, used)),
      ...outputs.map(([name, value]) => plainNode('Identity', [value.name], [name])),
    ],
  }
}

function portOf({ name, type, dims }: Value): OnnxPort {
  return { name, type, dims }
}

/** Outputs that nobody uses are left out where they are the last. */
function nodeOf({ op, inputs, outputs, attributes }: Node, used: ReadonlySet<Value>): OnnxNode {
  const last = outputs.findLastIndex((output) => used.has(output))
  const written = op === 'Split' ? outputs : outputs.slice(0, last + 1)
  const names = written.map((output) => (used.has(output) || op === 'Split' ? output.name : ''))
  return {
    ...plainNode(
      op,
      inputs.map((input) => input?.name ?? ''),
      names,
    ),
    attributes,
  }
}

function plainNode(op: string, inputs: readonly string[], outputs: readonly string[]): OnnxNode {
  return { op, domain: '', name: '', inputs, outputs, attributes: new Map(), metadata: new Map() }
}
