import { onnxError } from './errors.ts'
import { MAX_LIST, MAX_NODE_ENTRIES, MAX_NODE_VALUES } from './limits.ts'
import { readEntry } from './read-external.ts'
import { type ReadState, readTensor } from './read-tensor.ts'
import type { AttributeValue, OnnxGraph, OnnxNode } from './types.ts'
import { BYTES, type WireReader } from './wire-reader.ts'

/** Reads the graph of an attribute; given by who reads graphs, so that the two files do not import each other. */
export type ReadGraph = (reader: WireReader) => OnnxGraph

/**
 * Reads a NodeProto (onnx.proto).
 *
 * @throws `ONNX_MALFORMED`, `ONNX_UNSUPPORTED` for overloads of functions and attributes of unread types
 */
export function readNode(reader: WireReader, state: ReadState, readGraph: ReadGraph): OnnxNode {
  if (--state.nodes < 0) throw onnxError('ONNX_UNSUPPORTED', 'model has too many nodes')
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes = new Map<string, AttributeValue>()
  const metadata = new Map<string, string>()
  let op = ''
  let name = ''
  let domain = ''
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        addTo(inputs, reader.text())
        break
      case 2:
        addTo(outputs, reader.text())
        break
      case 3:
        name = reader.text()
        break
      case 4:
        op = reader.text()
        break
      case 5:
        addEntry(attributes, readAttribute(reader.message(), state, readGraph))
        break
      case 6: // doc_string
        reader.skip()
        break
      case 7:
        domain = reader.text()
        break
      case 9:
        addEntry(metadata, readEntry(reader.message()))
        break
      default:
        throw onnxError('ONNX_UNSUPPORTED', 'node has a field that is not read here', `${reader.field}`)
    }
  }
  if (op === '') throw onnxError('ONNX_MALFORMED', 'node has no operator', name)
  return { op, domain: domain === 'ai.onnx' ? '' : domain, name, inputs, outputs, attributes, metadata }
}

function addTo(list: string[], name: string): void {
  if (list.push(name) > MAX_NODE_VALUES) throw onnxError('ONNX_UNSUPPORTED', 'node has too many values')
}

function addEntry<T>(entries: Map<string, T>, [key, value]: [string, T]): void {
  if (key === '' || entries.has(key)) throw onnxError('ONNX_MALFORMED', 'node says something twice', key)
  if (entries.set(key, value).size > MAX_NODE_ENTRIES)
    throw onnxError('ONNX_UNSUPPORTED', 'node has too many attributes')
}

/** AttributeProto: `type` says which of the value fields counts; a zero may be left out, other fields must be absent. */
function readAttribute(reader: WireReader, state: ReadState, readGraph: ReadGraph): [string, AttributeValue] {
  let name = ''
  let type = 0
  let float = 0
  let int = 0n
  let string = ''
  let tensor: AttributeValue | undefined
  let graph: AttributeValue | undefined
  const floats: number[] = []
  const ints: bigint[] = []
  const strings: string[] = []
  const seen = new Set<number>()
  while (reader.next()) {
    const { field } = reader
    if (field >= 2 && field <= 9) seen.add(field)
    if (field === 1) name = reader.text()
    else if (field === 2) float = reader.float()
    else if (field === 3) int = reader.integer()
    else if (field === 4) string = reader.text()
    else if (field === 5) tensor = { tensor: readTensor(reader.message(), state) }
    else if (field === 6) graph = { graph: readGraph(reader.message()) }
    else if (field === 7)
      readList(reader, floats, (from, isPacked) => (isPacked ? from.fixed32() : from.float()))
    else if (field === 8)
      readList(reader, ints, (from, isPacked) => (isPacked ? from.varint() : from.integer()))
    else if (field === 9) addText(strings, reader.text())
    else if (field === 13) reader.skip()
    else if (field === 20) type = reader.count()
    else
      throw onnxError('ONNX_UNSUPPORTED', 'attribute has a field that is not read here', `${name} ${field}`)
  }
  // AttributeProto.AttributeType and the field of its value.
  const kinds: Record<number, [number, AttributeValue | undefined]> = {
    1: [2, { float }],
    2: [3, { int }],
    3: [4, { string }],
    4: [5, tensor],
    5: [6, graph],
    6: [7, { floats }],
    7: [8, { ints }],
    8: [9, { strings }],
  }
  const kind = kinds[type]
  if (kind?.[1] === undefined)
    throw onnxError('ONNX_UNSUPPORTED', 'attribute has a type that is not read here', name)
  seen.delete(kind[0])
  if (seen.size > 0) throw onnxError('ONNX_MALFORMED', 'attribute has values of two types', name)
  return [name, kind[1]]
}

function readList<T>(reader: WireReader, list: T[], one: (reader: WireReader, isPacked: boolean) => T): void {
  if (reader.wire !== BYTES) list.push(one(reader, false))
  else
    for (const packed = reader.message(); packed.hasMore && list.length <= MAX_LIST;)
      list.push(one(packed, true))
  if (list.length > MAX_LIST) throw onnxError('ONNX_UNSUPPORTED', 'attribute is too long a list')
}

function addText(list: string[], text: string): void {
  if (list.push(text) > MAX_LIST) throw onnxError('ONNX_UNSUPPORTED', 'attribute is too long a list')
}
