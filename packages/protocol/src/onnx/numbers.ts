import { fromHalf } from '../tensors/index.ts'
import { ELEMENT_TYPES } from './element-types.ts'
import { onnxError } from './errors.ts'
import type { ElementType, OnnxTensor } from './types.ts'

/** Elements of a real-valued tensor; exact for all but float64, which is rounded. @throws `ONNX_UNSUPPORTED` for others */
export function floatsOf(tensor: OnnxTensor): Float32Array {
  const { type, data } = tensor
  if (type === 'float32') return new Float32Array(aligned(data))
  if (type === 'float64') return Float32Array.from(new Float64Array(aligned(data)))
  if (type === 'float16') return Float32Array.from(new Uint16Array(aligned(data)), fromHalf)
  if (type !== 'bfloat16') throw unsuited(tensor)
  const bits = Uint32Array.from(new Uint16Array(aligned(data)), (half) => half * 0x1_0000)
  return new Float32Array(bits.buffer)
}

/** Elements of an int64, int32 or bool tensor as numbers. @throws `ONNX_UNSUPPORTED` for other types and beyond 2^53 */
export function integersOf(tensor: OnnxTensor): number[] {
  const { type, data } = tensor
  if (type === 'int32') return [...new Int32Array(aligned(data))]
  if (type === 'bool') return [...data]
  if (type !== 'int64') throw unsuited(tensor)
  return Array.from(new BigInt64Array(aligned(data)), (value) => {
    const number = Number(value)
    if (!Number.isSafeInteger(number) && !EXTREMES.has(value)) throw unsuited(tensor)
    return number
  })
}

/** What exporters write for "to the end"; as numbers they are still beyond every dimension. */
const EXTREMES = new Set([2n ** 63n - 1n, -(2n ** 63n - 1n), -(2n ** 63n)])

/** A tensor of these numbers. Integers must be safe ones. */
export function tensorOf(
  name: string,
  type: 'float32' | 'float64' | 'int64' | 'int32' | 'bool',
  dims: readonly number[],
  values: ArrayLike<number>,
): OnnxTensor {
  return { name, type, dims, data: new Uint8Array(ARRAYS[type](values).buffer) }
}

const ARRAYS = {
  float32: (values: ArrayLike<number>) => Float32Array.from(values),
  float64: (values: ArrayLike<number>) => Float64Array.from(values),
  int64: (values: ArrayLike<number>) => BigInt64Array.from(Array.from(values, BigInt)),
  int32: (values: ArrayLike<number>) => Int32Array.from(values),
  bool: (values: ArrayLike<number>) => Uint8Array.from(values),
} as const

/** Bytes of one element; 0 for text. */
export function elementSize(type: ElementType): number {
  return ELEMENT_TYPES[type].bytes
}

/** Tensors in a model begin at any byte; typed arrays do not. */
function aligned(data: Uint8Array): ArrayBuffer {
  return data.slice().buffer as ArrayBuffer
}

function unsuited({ name, type }: OnnxTensor): Error {
  return onnxError('ONNX_UNSUPPORTED', `a tensor of ${type} does not fit here`, name)
}
