import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { Tensor as RuntimeTensor } from 'onnxruntime-node'
import './half-precision.ts'
import { engineError } from '../errors.ts'
import type { Tensor, TensorType } from '../types.ts'
import type { ElementType, Port } from './session.ts'

/** Dimensions of a tensor at most; the operators of ONNX need 5. */
const MAX_RANK = 16

interface NumberType {
  readonly runtime: ElementType
  readonly bytes: number
}

const NUMBERS: Readonly<Record<Exclude<TensorType, 'BYTES'>, NumberType>> = {
  BOOL: { runtime: 'bool', bytes: 1 },
  UINT8: { runtime: 'uint8', bytes: 1 },
  INT8: { runtime: 'int8', bytes: 1 },
  UINT16: { runtime: 'uint16', bytes: 2 },
  INT16: { runtime: 'int16', bytes: 2 },
  FP16: { runtime: 'float16', bytes: 2 },
  UINT32: { runtime: 'uint32', bytes: 4 },
  INT32: { runtime: 'int32', bytes: 4 },
  FP32: { runtime: 'float32', bytes: 4 },
  UINT64: { runtime: 'uint64', bytes: 8 },
  INT64: { runtime: 'int64', bytes: 8 },
  FP64: { runtime: 'float64', bytes: 8 },
}

const ARRAYS = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  float16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float64: Float64Array,
} as const

/** The KServe v2 name of a runtime type. @throws `ENGINE_MODEL_INVALID` for one that has none (4-bit, complex) */
export function datatypeOf(type: ElementType): TensorType {
  if (type === 'string') return 'BYTES'
  for (const [name, entry] of Object.entries(NUMBERS)) if (entry.runtime === type) return name as TensorType
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
  const count = shape.reduce((product, size) => product * size, 1)
  if (datatype === 'BYTES') return new RuntimeTensor('string', readStrings(data, count), shape)
  const { runtime, bytes } = NUMBERS[datatype]
  if (data.length !== count * bytes)
    throw engineError('ENGINE_INPUT', 'tensor data is not as long as its shape says', {
      expected: `${count * bytes}`,
      found: `${data.length}`,
    })
  // A copy: the data may start at any offset of a larger message.
  const copy = new Uint8Array(data).buffer
  const Type = ARRAYS[runtime as keyof typeof ARRAYS]
  return new RuntimeTensor(runtime as 'float32', new Type(copy) as Float32Array, shape)
}

/** A tensor of the runtime as it is sent to the client. */
export function toWire(name: string, tensor: RuntimeTensor): Tensor {
  const datatype = datatypeOf(tensor.type)
  const shape = [...tensor.dims]
  if (datatype === 'BYTES') return { name, datatype, shape, data: writeStrings(tensor.data as string[]) }
  const { buffer, byteOffset, byteLength } = tensor.data as Float32Array
  return {
    name,
    datatype,
    shape,
    data: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice(),
  }
}

/** Each element: length as 4 bytes, little-endian, then that many bytes (KServe v2 binary extension). */
function readStrings(data: Uint8Array, count: number): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const out: string[] = []
  let at = 0
  while (at < data.length) {
    const length = at + 4 <= data.length ? view.getUint32(at, true) : Infinity
    if (at + 4 + length > data.length)
      throw engineError('ENGINE_INPUT', 'BYTES tensor ends inside an element')
    out.push(fromText(data.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  if (out.length !== count)
    throw engineError('ENGINE_INPUT', 'BYTES tensor has another number of elements than its shape says', {
      expected: `${count}`,
      found: `${out.length}`,
    })
  return out
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

function writeStrings(values: readonly string[]): Uint8Array {
  const parts = values.map((value) => utf8(value.toWellFormed()))
  const out = new Uint8Array(parts.reduce((size, part) => size + 4 + part.length, 0))
  const view = new DataView(out.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length, true)
    out.set(part, at + 4)
    at += 4 + part.length
  }
  return out
}
