import { onnxError } from './errors.ts'
import { MAX_DEPTH } from './limits.ts'
import { readNode } from './read-node.ts'
import { readPort } from './read-port.ts'
import { type ReadState, readTensor } from './read-tensor.ts'
import type { OnnxGraph, OnnxNode, OnnxPort, OnnxTensor } from './types.ts'
import type { WireReader } from './wire-reader.ts'

/**
 * Reads a GraphProto (onnx.proto). Comments, value types inside of it and hints for quantization are left out.
 *
 * @param outer names of values that the graphs around this one have at this point
 * @throws `ONNX_MALFORMED` also where a value is used before it is written or written twice; `ONNX_UNSUPPORTED`
 */
export function readGraph(reader: WireReader, state: ReadState, outer?: Scope, depth: number = 1): OnnxGraph {
  if (depth > MAX_DEPTH) throw onnxError('ONNX_UNSUPPORTED', 'graphs lie too deep in graphs')
  let name = ''
  const nodes: WireReader[] = []
  const initializers: OnnxTensor[] = []
  const inputs: OnnxPort[] = []
  const outputs: OnnxPort[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        nodes.push(reader.message())
        break
      case 2:
        name = reader.text()
        break
      case 5:
        initializers.push(readTensor(reader.message(), state))
        break
      case 11:
        inputs.push(readPort(reader.message()))
        break
      case 12:
        outputs.push(readPort(reader.message()))
        break
      case 10: // doc_string
      case 13: // value_info
      case 14: // quantization_annotation
      case 16: // metadata_props
        reader.skip()
        break
      default:
        throw onnxError('ONNX_UNSUPPORTED', 'graph has a field that is not read here', `${reader.field}`)
    }
  }
  const scope = new Scope(outer)
  for (const input of inputs) scope.write(input.name)
  scope.addInitializers(initializers, inputs)
  const read = nodes.map((node): OnnxNode => {
    const found = readNode(node, state, (reader) => readGraph(reader, state, scope, depth + 1))
    for (const input of found.inputs) scope.require(input)
    for (const output of found.outputs) if (output !== '') scope.write(output)
    return found
  })
  for (const output of outputs) scope.require(output.name)
  return { name, inputs, outputs, initializers, nodes: read }
}

/** Values that nodes may use at a point of a graph: those written before, here and in the graphs around it. */
class Scope {
  readonly #scopes: readonly ReadonlySet<string>[]
  readonly #names = new Set<string>()

  constructor(outer: Scope | undefined) {
    this.#scopes = [this.#names, ...(outer ? outer.#scopes : [])]
  }

  /** An initializer may also stand among the inputs: there it is a default (IR version 3). */
  addInitializers(initializers: readonly OnnxTensor[], inputs: readonly OnnxPort[]): void {
    const defaults = new Set(inputs.map(({ name }) => name))
    for (const { name } of initializers) if (!defaults.delete(name)) this.write(name)
  }

  write(name: string): void {
    if (name === '' || this.#names.has(name))
      throw onnxError('ONNX_MALFORMED', 'value has no name, or is written twice', name)
    this.#names.add(name)
  }

  /** An optional input that is left out has no name. */
  require(name: string): void {
    if (name !== '' && !this.#scopes.some((names) => names.has(name)))
      throw onnxError('ONNX_MALFORMED', 'value is used before it is written', name)
  }
}
