import { fromHalf, toHalf } from '@sotto/protocol/tensors'
import { Tensor } from 'onnxruntime-node'
import './half-precision.ts'
import { engineError } from '../errors.ts'
import type { Port } from './session.ts'

/** Float tensor of these dimensions. */
export function floatTensor(data: Float32Array, dims: readonly number[]): Tensor {
  return new Tensor('float32', data, dims)
}

/** `[values.length / width, width]` tensor of token ids in the type the port wants (int64 or int32). */
export function idTensor(values: readonly number[], width: number, port?: Port): Tensor {
  const dims = [width === 0 ? 0 : values.length / width, width]
  if (port?.type === 'int32') return new Tensor('int32', Int32Array.from(values), dims)
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims)
}

/** One truth value, shape `[1]`. */
export function flagTensor(value: boolean): Tensor {
  return new Tensor('bool', Uint8Array.of(value ? 1 : 0), [1])
}

/** Zeros in the port's own float type; for inputs that a branch of the graph does not read. */
export function zeroTensor(dims: readonly number[], port: Port): Tensor {
  const size = sizeOf(dims)
  if (port.type === 'float16') return new Tensor('float16', new Uint16Array(size), dims)
  return new Tensor('float32', new Float32Array(size), dims)
}

/** Float data as float32: as it is, or widened from half precision. @throws `ENGINE_MODEL_INVALID` for other types */
export function toFloats(tensor: Tensor): Float32Array {
  if (tensor.type === 'float32') return tensor.data as Float32Array
  if (tensor.type === 'float16') return widened(tensor.data as unknown as ArrayBufferView)
  throw engineError('ENGINE_MODEL_INVALID', 'model answers with a type that holds no numbers for this', {
    expected: 'float32 or float16',
    found: tensor.type,
  })
}

/** Float features in the type the port wants. */
export function asPortType(tensor: Tensor, port: Port): Tensor {
  if (tensor.type === port.type || port.type !== 'float16') return tensor
  const half = Uint16Array.from(tensor.data as Float32Array, toHalf)
  return new Tensor('float16', half, tensor.dims)
}

/**
 * The rows `order` of a tensor along its first dimension, each as often as it is named. The same tensor where that
 * changes nothing.
 */
export function takeRows(tensor: Tensor, order: readonly number[]): Tensor {
  const [rows = 0, ...rest] = tensor.dims
  if (order.length === rows && order.every((row, i) => row === i)) return tensor
  const width = sizeOf(rest)
  const source = tensor.data as Float32Array
  const Type = source.constructor as new (length: number) => Float32Array
  const data = new Type(order.length * width)
  for (const [i, row] of order.entries()) data.set(source.subarray(row * width, (row + 1) * width), i * width)
  return new Tensor(tensor.type as 'float32', data, [order.length, ...rest])
}

function sizeOf(dims: readonly number[]): number {
  return dims.reduce((size, dim) => size * dim, 1)
}

/** Half precision as bit patterns, or as the platform's own array of them. */
function widened(data: ArrayBufferView): Float32Array {
  return Float32Array.from(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2), fromHalf)
}
