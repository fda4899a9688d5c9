import { onnxError } from './errors.ts'
import { MAX_MODEL_BYTES, MAX_NODES, MAX_TENSORS } from './limits.ts'
import { readGraph } from './read-graph.ts'
import type { ReadState } from './read-tensor.ts'
import type { OnnxGraph, OnnxModel } from './types.ts'
import { WireReader } from './wire-reader.ts'

const NONE: ReadonlyMap<string, Uint8Array> = new Map()

/**
 * Reads an ONNX model (onnx.proto, ModelProto). Its owner controls every byte. What comes back is well-formed: names
 * are written once and before they are used, tensors have the elements that they say; operators are not looked at.
 * Tensors are views of `bytes` and of the files beside it where they lie in raw form.
 *
 * @param bytes a model of at most {@link MAX_MODEL_BYTES} bytes
 * @param external files beside the model by the name that the model has for them; default none
 * @throws `ONNX_MALFORMED`, `ONNX_UNSUPPORTED` for functions, training information, sparse tensors and values that
 *   are no tensors, `ONNX_EXTERNAL`
 *
 * @example
 * const model = parseOnnx(bytes)
 * console.log(model.nodes.map(({ op }) => op))
 */
export function parseOnnx(bytes: Uint8Array, external: ReadonlyMap<string, Uint8Array> = NONE): OnnxModel {
  if (bytes.length > MAX_MODEL_BYTES)
    throw onnxError('ONNX_UNSUPPORTED', 'model is larger than one message can be')
  const state: ReadState = { external, nodes: MAX_NODES, tensors: MAX_TENSORS }
  const reader = new WireReader(bytes)
  const opsets = new Map<string, number>()
  let irVersion = 0
  let graph: OnnxGraph | undefined
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        irVersion = reader.count()
        break
      case 7:
        if (graph !== undefined) throw onnxError('ONNX_MALFORMED', 'model has two graphs')
        graph = readGraph(reader.message(), state)
        break
      case 8:
        addOpset(opsets, reader.message())
        break
      case 2: // producer_name
      case 3: // producer_version
      case 4: // domain
      case 5: // model_version
      case 6: // doc_string
      case 14: // metadata_props
        reader.skip()
        break
      default:
        throw onnxError('ONNX_UNSUPPORTED', 'model has a field that is not read here', `${reader.field}`)
    }
  }
  if (graph === undefined || opsets.size === 0 || irVersion === 0)
    throw onnxError('ONNX_MALFORMED', 'model has no graph, no operator set or no version')
  const untyped = [...graph.inputs, ...graph.outputs].find(({ type }) => type === undefined)
  if (untyped) throw onnxError('ONNX_MALFORMED', 'input or output of the model has no type', untyped.name)
  return { irVersion, opsets, ...graph }
}

/** An OperatorSetIdProto. Some exporters name a domain twice; they must then agree on its version. */
function addOpset(opsets: Map<string, number>, reader: WireReader): void {
  let domain = ''
  let version = 0
  while (reader.next()) {
    if (reader.field === 1) domain = reader.text()
    else if (reader.field === 2) version = reader.count()
    else
      throw onnxError('ONNX_UNSUPPORTED', 'operator set has a field that is not read here', `${reader.field}`)
  }
  if (domain === 'ai.onnx') domain = ''
  if (version === 0 || (opsets.get(domain) ?? version) !== version)
    throw onnxError('ONNX_MALFORMED', 'operator set has no version, or two', domain)
  opsets.set(domain, version)
}
