import { onnxError } from './errors.ts'
import { MAX_MODEL_BYTES } from './limits.ts'
import type { OnnxModel } from './types.ts'
import { WireWriter } from './wire-writer.ts'
import { writeGraph } from './write-graph.ts'
import type { PlaceTensor } from './write-tensor.ts'

/** Offsets in a file of tensors are multiples of this, so that they can be mapped into memory (ONNX, external data). */
const ALIGNMENT = 4096

/**
 * The bytes of a model, in the one form that is written here: fields ascending, attributes by name, elements raw. So a
 * model has one digest. `encodeOnnx(parseOnnx(x))` is `x` for every `x` that was written here.
 *
 * @throws `ONNX_UNSUPPORTED` for more than 2 GiB: see {@link encodeOnnxWithData}; `ONNX_MALFORMED` for a tensor whose
 *   elements are not as many as its dimensions say
 */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  return encode(model, () => undefined)
}

/** A model and the content of the one file beside it. */
export interface ModelWithData {
  readonly model: Uint8Array
  /** In order and with the gaps between them, so that they can be written or hashed one by one. */
  readonly data: readonly Uint8Array[]
}

/**
 * The bytes of a model whose large tensors lie in a file beside it.
 *
 * @param location name of that file in the model
 * @param minBytes tensors of at least so many bytes go there; default 1024
 * @throws as {@link encodeOnnx}
 */
export function encodeOnnxWithData(
  model: OnnxModel,
  location: string,
  minBytes: number = 1024,
): ModelWithData {
  const data: Uint8Array[] = []
  let end = 0
  const bytes = encode(model, (tensor) => {
    if (tensor.data.length < minBytes) return undefined
    const gap = (ALIGNMENT - (end % ALIGNMENT)) % ALIGNMENT
    if (gap > 0) data.push(new Uint8Array(gap))
    data.push(tensor.data)
    end += gap + tensor.data.length
    return { location, offset: end - tensor.data.length }
  })
  return { model: bytes, data }
}

function encode(model: OnnxModel, place: PlaceTensor): Uint8Array {
  const out = new WireWriter()
  out.integer(1, model.irVersion)
  out.message(7, writeGraph(model, place))
  for (const [domain, version] of [...model.opsets].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const opset = new WireWriter()
    opset.text(1, domain)
    opset.integer(2, version)
    out.message(8, opset)
  }
  if (out.length > MAX_MODEL_BYTES)
    throw onnxError('ONNX_UNSUPPORTED', 'model is larger than one message can be')
  return out.finish()
}
