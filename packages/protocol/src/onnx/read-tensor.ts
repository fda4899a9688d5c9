import { joinByteElements } from '../tensors/index.ts'
import { countOf, ELEMENT_TYPES, elementTypeOf } from './element-types.ts'
import { onnxError } from './errors.ts'
import { MAX_ELEMENTS, MAX_RANK } from './limits.ts'
import { readExternal } from './read-external.ts'
import type { ElementType, OnnxTensor } from './types.ts'
import { TypedData } from './typed-data.ts'
import { BYTES, type WireReader } from './wire-reader.ts'

/** What a reader of a model carries along: files beside it, and what it may still read. */
export interface ReadState {
  readonly external: ReadonlyMap<string, Uint8Array>
  nodes: number
  tensors: number
}

/**
 * Reads a TensorProto (onnx.proto). Elements may lie in `raw_data`, in the typed list that the element type has, or
 * in a file beside the model; there must be exactly as many as the dimensions say.
 *
 * @throws `ONNX_MALFORMED`, `ONNX_UNSUPPORTED` for segments and element types of less than a byte, `ONNX_EXTERNAL`
 */
export function readTensor(reader: WireReader, state: ReadState): OnnxTensor {
  if (--state.tensors < 0) throw onnxError('ONNX_UNSUPPORTED', 'model has too many tensors')
  const dims: number[] = []
  const typed = new TypedData()
  const entries: WireReader[] = []
  let name = ''
  let code = 0
  let isExternal = false
  let raw: Uint8Array | undefined
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        readDims(reader, dims)
        break
      case 2:
        code = reader.count()
        break
      case 8:
        name = reader.text()
        break
      case 9:
        raw = reader.bytes()
        break
      case 4:
      case 5:
      case 6:
      case 7:
      case 10:
      case 11:
        typed.read(reader)
        break
      case 13:
        entries.push(reader.message())
        break
      case 14:
        isExternal = reader.count() === 1
        break
      case 12: // doc_string
      case 16: // metadata_props
        reader.skip()
        break
      default:
        throw onnxError('ONNX_UNSUPPORTED', 'tensor has a field that is not read here', `${reader.field}`)
    }
  }
  const type = elementTypeOf(code)
  if (type === undefined)
    throw onnxError('ONNX_UNSUPPORTED', 'tensor has an element type that is not read here', `${code}`)
  const count = countOf(dims)
  if (count > MAX_ELEMENTS) throw onnxError('ONNX_UNSUPPORTED', 'tensor has too many elements', name)
  if (isExternal) raw = readExternal(entries, state.external)
  else if (entries.length > 0)
    throw onnxError('ONNX_MALFORMED', 'tensor names a file it does not lie in', name)
  return { name, type, dims, data: dataOf(type, count, raw, typed, name) }
}

function readDims(reader: WireReader, dims: number[]): void {
  const packed = reader.wire === BYTES ? reader.message() : undefined
  do {
    const dim = packed ? (packed.hasMore ? packed.varint() : undefined) : reader.integer()
    if (dim === undefined) break
    if (dim < 0n || dim > BigInt(MAX_ELEMENTS))
      throw onnxError('ONNX_MALFORMED', 'tensor has a false dimension')
    if (dims.push(Number(dim)) > MAX_RANK)
      throw onnxError('ONNX_UNSUPPORTED', 'tensor has too many dimensions')
  } while (packed)
}

function dataOf(
  type: ElementType,
  count: number,
  raw: Uint8Array | undefined,
  typed: TypedData,
  name: string,
): Uint8Array {
  if (raw !== undefined && (typed.isUsed || type === 'string'))
    throw onnxError('ONNX_MALFORMED', 'tensor has its elements twice, or text as raw bytes', name)
  if (type === 'string') {
    if (typed.texts.length !== count) throw wrongCount(name)
    return joinByteElements(typed.texts)
  }
  const data = raw ?? typed.bytesOf(type, count)
  if (data?.length !== count * ELEMENT_TYPES[type].bytes) throw wrongCount(name)
  if (type === 'bool' && data.some((byte) => byte > 1))
    throw onnxError('ONNX_MALFORMED', 'tensor has a boolean that is neither 0 nor 1', name)
  return data
}

function wrongCount(name: string): Error {
  return onnxError('ONNX_MALFORMED', 'tensor has more or fewer elements than its dimensions say', name)
}
