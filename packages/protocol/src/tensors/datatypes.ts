import { splitByteElements } from './byte-elements.ts'

/**
 * The array that holds the elements of each fixed-width datatype of the Open Inference Protocol (KServe v2) that engines
 * here take, as they travel: a BOOL is a byte of 0 or 1, an FP16 its bit pattern.
 */
export const ELEMENT_ARRAYS = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const

/** Datatypes whose elements all have one width. */
export type NumericDatatype = keyof typeof ELEMENT_ARRAYS

/** Element types of a tensor, as the protocol spells them. An element of `BYTES` has any length. */
export type Datatype = NumericDatatype | 'BYTES'

/** All of {@link Datatype}. */
export const DATATYPES: readonly Datatype[] = [...(Object.keys(ELEMENT_ARRAYS) as NumericDatatype[]), 'BYTES']

/** Dimensions of a tensor at most; the operators of ONNX need 5. */
export const MAX_RANK = 16

/** Whether a word names a datatype. */
export function isDatatype(word: unknown): word is Datatype {
  return typeof word === 'string' && (word === 'BYTES' || Object.hasOwn(ELEMENT_ARRAYS, word))
}

/** Bytes of one element; undefined for `BYTES`. */
export function elementBytes(datatype: Datatype): number | undefined {
  return datatype === 'BYTES' ? undefined : ELEMENT_ARRAYS[datatype].BYTES_PER_ELEMENT
}

/** Elements of a tensor of this shape, 1 for none; undefined for sizes that are no counting numbers, or too many. */
export function countElements(shape: readonly number[]): number | undefined {
  if (shape.length > MAX_RANK || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    return undefined
  // A dimension of no size makes the whole empty, however large the others are.
  if (shape.includes(0)) return 0
  let count = 1
  for (const size of shape) {
    count *= size
    if (!Number.isSafeInteger(count)) return undefined
  }
  return count
}

/** Whether raw data is exactly the elements that datatype and shape say: whoever sent it controls all three. */
export function isWholeTensor(tensor: {
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data: Uint8Array
}): boolean {
  const { datatype, shape, data } = tensor
  const count = countElements(shape)
  if (count === undefined) return false
  const width = elementBytes(datatype)
  return width === undefined ? splitByteElements(data, count) !== undefined : data.length === count * width
}
