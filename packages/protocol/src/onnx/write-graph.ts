import { ELEMENT_TYPES } from './element-types.ts'
import type { AttributeValue, OnnxGraph, OnnxNode, OnnxPort } from './types.ts'
import { WireWriter } from './wire-writer.ts'
import { entry, type PlaceTensor, writeTensor } from './write-tensor.ts'

/** A GraphProto: nodes, initializers, inputs and outputs in their order. */
export function writeGraph(graph: OnnxGraph, place: PlaceTensor): WireWriter {
  const out = new WireWriter()
  for (const node of graph.nodes) out.message(1, writeNode(node, place))
  out.text(2, graph.name)
  for (const tensor of graph.initializers) out.message(5, writeTensor(tensor, place))
  for (const port of graph.inputs) out.message(11, writePort(port))
  for (const port of graph.outputs) out.message(12, writePort(port))
  return out
}

function writeNode(node: OnnxNode, place: PlaceTensor): WireWriter {
  const out = new WireWriter()
  for (const name of node.inputs) out.text(1, name)
  for (const name of node.outputs) out.text(2, name)
  if (node.name !== '') out.text(3, node.name)
  out.text(4, node.op)
  for (const [name, value] of sorted(node.attributes)) out.message(5, writeAttribute(name, value, place))
  if (node.domain !== '') out.text(7, node.domain)
  for (const [key, value] of sorted(node.metadata)) out.message(9, entry(key, value))
  return out
}

/** By name, so that one graph has one form: the order in which a node has its attributes means nothing. */
function sorted<T>(entries: ReadonlyMap<string, T>): [string, T][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** AttributeProto with its AttributeType in field 20. */
function writeAttribute(name: string, value: AttributeValue, place: PlaceTensor): WireWriter {
  const out = new WireWriter()
  out.text(1, name)
  if ('float' in value) {
    out.float(2, value.float)
    out.integer(20, 1)
  } else if ('int' in value) {
    out.integer(3, value.int)
    out.integer(20, 2)
  } else if ('string' in value) {
    out.text(4, value.string)
    out.integer(20, 3)
  } else if ('tensor' in value) {
    out.message(5, writeTensor(value.tensor, place))
    out.integer(20, 4)
  } else if ('graph' in value) {
    out.message(6, writeGraph(value.graph, place))
    out.integer(20, 5)
  } else if ('floats' in value) {
    if (value.floats.length > 0) out.bytes(7, new Uint8Array(Float32Array.from(value.floats).buffer))
    out.integer(20, 6)
  } else if ('ints' in value) {
    out.packed(8, value.ints)
    out.integer(20, 7)
  } else {
    for (const text of value.strings) out.text(9, text)
    out.integer(20, 8)
  }
  return out
}

/** A ValueInfoProto of a tensor, or of a value whose type is not said. */
function writePort({ name, type, dims }: OnnxPort): WireWriter {
  const out = new WireWriter()
  out.text(1, name)
  if (type === undefined) return out
  const tensor = new WireWriter()
  tensor.integer(1, ELEMENT_TYPES[type].code)
  if (dims !== undefined) {
    const shape = new WireWriter()
    for (const dim of dims) {
      const dimension = new WireWriter()
      if (typeof dim === 'number') dimension.integer(1, dim)
      else if (dim !== '') dimension.text(2, dim)
      shape.message(1, dimension)
    }
    tensor.message(2, shape)
  }
  const kind = new WireWriter()
  kind.message(1, tensor)
  out.message(2, kind)
  return out
}
