import { splitByteElements } from '../tensors/index.ts'
import { countOf, ELEMENT_TYPES } from './element-types.ts'
import { onnxError } from './errors.ts'
import type { OnnxTensor } from './types.ts'
import { WireWriter } from './wire-writer.ts'

/** Where tensors go that do not lie in the model itself: their place in a file, or undefined to keep one inside. */
export type PlaceTensor = (tensor: OnnxTensor) => { location: string; offset: number } | undefined

/** A TensorProto in the one form that is written here: fields ascending, elements as raw bytes, text as a list. */
export function writeTensor(tensor: OnnxTensor, place: PlaceTensor): WireWriter {
  const { name, type, dims, data } = tensor
  const { code, bytes } = ELEMENT_TYPES[type]
  const out = new WireWriter()
  out.packed(1, dims)
  out.integer(2, code)
  if (type === 'string') {
    for (const element of stringsOf(tensor)) out.bytes(6, element)
    out.text(8, name)
    return out
  }
  if (data.length !== countOf(dims) * bytes)
    throw onnxError('ONNX_MALFORMED', 'tensor has more or fewer elements than its dimensions say', name)
  out.text(8, name)
  const placed = place(tensor)
  if (placed === undefined) out.bytes(9, data)
  else {
    out.message(13, entry('location', placed.location))
    out.message(13, entry('offset', String(placed.offset)))
    out.message(13, entry('length', String(data.length)))
    out.integer(14, 1)
  }
  return out
}

/** A StringStringEntryProto. */
export function entry(key: string, value: string): WireWriter {
  const out = new WireWriter()
  out.text(1, key)
  out.text(2, value)
  return out
}

function stringsOf({ dims, data, name }: OnnxTensor): Uint8Array[] {
  const elements = splitByteElements(data, countOf(dims))
  if (elements === undefined)
    throw onnxError('ONNX_MALFORMED', 'tensor has more or fewer elements than its dimensions say', name)
  return elements
}
