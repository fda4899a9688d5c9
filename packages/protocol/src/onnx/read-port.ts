import { elementTypeOf } from './element-types.ts'
import { onnxError } from './errors.ts'
import { MAX_ELEMENTS, MAX_RANK } from './limits.ts'
import type { OnnxPort } from './types.ts'
import type { WireReader } from './wire-reader.ts'

/**
 * Reads a ValueInfoProto of a tensor. Whether it has a type is for the caller to ask.
 *
 * @throws `ONNX_MALFORMED`, `ONNX_UNSUPPORTED` for sequences, maps, optional and sparse values
 */
export function readPort(reader: WireReader): OnnxPort {
  let name = ''
  let port: Omit<OnnxPort, 'name'> = {}
  while (reader.next()) {
    if (reader.field === 1) name = reader.text()
    else if (reader.field === 2) port = readType(reader.message())
    else if (reader.field === 3 || reader.field === 4) reader.skip()
    else throw onnxError('ONNX_UNSUPPORTED', 'value has a field that is not read here', `${reader.field}`)
  }
  return { name, ...port }
}

function readType(reader: WireReader): Omit<OnnxPort, 'name'> {
  let port: Omit<OnnxPort, 'name'> = {}
  while (reader.next()) {
    if (reader.field === 1) port = readTensorType(reader.message())
    else if (reader.field === 6) reader.skip()
    else throw onnxError('ONNX_UNSUPPORTED', 'value is not a tensor')
  }
  return port
}

function readTensorType(reader: WireReader): Omit<OnnxPort, 'name'> {
  let code = 0
  let dims: (number | string)[] | undefined
  while (reader.next()) {
    if (reader.field === 1) code = reader.count()
    else if (reader.field === 2) dims = readShape(reader.message())
    else throw onnxError('ONNX_UNSUPPORTED', 'type has a field that is not read here', `${reader.field}`)
  }
  const type = elementTypeOf(code)
  if (type === undefined)
    throw onnxError('ONNX_UNSUPPORTED', 'value has an element type that is not read here', `${code}`)
  return dims ? { type, dims } : { type }
}

function readShape(reader: WireReader): (number | string)[] {
  const dims: (number | string)[] = []
  while (reader.next()) {
    if (reader.field !== 1) throw onnxError('ONNX_UNSUPPORTED', 'shape has a field that is not read here')
    if (dims.push(readDimension(reader.message())) > MAX_RANK)
      throw onnxError('ONNX_UNSUPPORTED', 'value has too many dimensions')
  }
  return dims
}

/** A Dimension: a size, a word, or neither. Some exporters write an unknown size as -1. */
function readDimension(reader: WireReader): number | string {
  let dim: number | string = ''
  while (reader.next()) {
    if (reader.field === 1) {
      const size = reader.integer()
      if (size < -1n || size > BigInt(MAX_ELEMENTS))
        throw onnxError('ONNX_MALFORMED', 'value has a false dimension')
      dim = size === -1n ? '' : Number(size)
    } else if (reader.field === 2) dim = reader.text()
    else if (reader.field === 3) reader.skip()
    else throw onnxError('ONNX_UNSUPPORTED', 'dimension has a field that is not read here', `${reader.field}`)
  }
  return dim
}
