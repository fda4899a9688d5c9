import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  countElements,
  ELEMENT_ARRAYS,
  joinByteElements,
  MAX_RANK,
  type NumericDatatype,
  splitByteElements,
} from '@sotto/protocol/tensors'
import { Tensor as RuntimeTensor } from 'onnxruntime-node'
import './half-precision.ts'
import { engineError } from '../errors.ts'
import type { Tensor, TensorType } from '../types.ts'
import type { ElementType, Port } from './session.ts'

/** What the runtime calls the types of numbers. */
const RUNTIME_TYPES: Readonly<Record<NumericDatatype, ElementType>> = {
  BOOL: 'bool',
  UINT8: 'uint8',
  INT8: 'int8',
  UINT16: 'uint16',
  INT16: 'int16',
  FP16: 'float16',
  UINT32: 'uint32',
  INT32: 'int32',
  FP32: 'float32',
  UINT64: 'uint64',
  INT64: 'int64',
  FP64: 'float64',
}

/** The KServe v2 name of a runtime type. @throws `ENGINE_MODEL_INVALID` for one that has none (4-bit, complex) */
export function datatypeOf(type: ElementType): TensorType {
  if (type === 'string') return 'BYTES'
  for (const [name, runtime] of Object.entries(RUNTIME_TYPES)) if (runtime === type) return name as TensorType
  throw engineError('ENGINE_MODEL_INVALID', 'model has a port of a type that cannot be sent', { found: type })
}

/**
 * The runtime's tensor of one that a client sent, checked against the port it goes to.
 * The client controls name, type, shape and data.
 *
 * @throws `ENGINE_INPUT` where type, rank, a fixed dimension or the length of the data does not fit
 */
export function fromWire(tensor: Tensor, port: Port): RuntimeTensor {
  const { datatype, shape, data } = tensor
  const wanted = datatypeOf(port.type)
  if (datatype !== wanted)
    throw engineError('ENGINE_INPUT', 'tensor has another type than the model takes', {
      expected: wanted,
      found: String(datatype),
    })
  const fits = (size: number, i: number): boolean =>
    Number.isSafeInteger(size) && size >= 0 && (port.shape[i] === -1 || port.shape[i] === size)
  if (shape.length > MAX_RANK || shape.length !== port.shape.length || !shape.every(fits))
    throw engineError('ENGINE_INPUT', 'tensor has another shape than the model takes', {
      expected: `[${port.shape.join(', ')}]`,
      found: `[${shape.slice(0, MAX_RANK).join(', ')}]`,
    })
  const count = countElements(shape) ?? Infinity
  if (datatype === 'BYTES') return new RuntimeTensor('string', readStrings(data, count), shape)
  const Type = ELEMENT_ARRAYS[datatype]
  const bytes = Type.BYTES_PER_ELEMENT
  if (data.length !== count * bytes)
    throw engineError('ENGINE_INPUT', 'tensor data is not as long as its shape says', {
      expected: `${count * bytes}`,
      found: `${data.length}`,
    })
  // A copy: the data may start at any offset of a larger message.
  const copy = new Uint8Array(data).buffer
  return new RuntimeTensor(
    RUNTIME_TYPES[datatype] as 'float32',
    new Type(copy) as unknown as Float32Array,
    shape,
  )
}

/** A tensor of the runtime as it is sent to the client. */
export function toWire(name: string, tensor: RuntimeTensor): Tensor {
  const datatype = datatypeOf(tensor.type)
  const shape = [...tensor.dims]
  if (datatype === 'BYTES') {
    const texts = (tensor.data as string[]).map((text) => utf8(text.toWellFormed()))
    return { name, datatype, shape, data: joinByteElements(texts) }
  }
  const { buffer, byteOffset, byteLength } = tensor.data as Float32Array
  return {
    name,
    datatype,
    shape,
    data: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice(),
  }
}

function readStrings(data: Uint8Array, count: number): string[] {
  const elements = splitByteElements(data, count)
  if (elements === undefined)
    throw engineError('ENGINE_INPUT', 'BYTES tensor does not hold the elements that its shape says', {
      expected: `${count}`,
    })
  return elements.map(fromText)
}

function fromText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw engineError('ENGINE_INPUT', 'the runtime takes text only in BYTES tensors', {
      expected: 'UTF-8',
      cause,
    })
  }
}
