/** Bytes of one element of each fixed-width datatype of the Open Inference Protocol (KServe v2) that engines here take. */
const WIDTHS = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
} as const

/** Datatypes whose elements all have one width. */
export type NumericDatatype = keyof typeof WIDTHS

/** Element types of a tensor, as the protocol spells them. An element of `BYTES` has any length. */
export type Datatype = NumericDatatype | 'BYTES'

/** All of {@link Datatype}. */
export const DATATYPES: readonly Datatype[] = [...(Object.keys(WIDTHS) as NumericDatatype[]), 'BYTES']

/** Dimensions of a tensor at most; the operators of ONNX need 5. */
export const MAX_RANK = 16

/** Whether a word names a datatype. */
export function isDatatype(word: unknown): word is Datatype {
  return typeof word === 'string' && (word === 'BYTES' || Object.hasOwn(WIDTHS, word))
}

/** Bytes of one element; undefined for `BYTES`. */
export function elementBytes(datatype: Datatype): number | undefined {
  return datatype === 'BYTES' ? undefined : WIDTHS[datatype]
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
