import type { ElementType } from './types.ts'

/** TensorProto.DataType of each element type (onnx.proto), and its bytes; text has none. */
export const ELEMENT_TYPES: Readonly<Record<ElementType, { readonly code: number; readonly bytes: number }>> =
  {
    float32: { code: 1, bytes: 4 },
    uint8: { code: 2, bytes: 1 },
    int8: { code: 3, bytes: 1 },
    uint16: { code: 4, bytes: 2 },
    int16: { code: 5, bytes: 2 },
    int32: { code: 6, bytes: 4 },
    int64: { code: 7, bytes: 8 },
    string: { code: 8, bytes: 0 },
    bool: { code: 9, bytes: 1 },
    float16: { code: 10, bytes: 2 },
    float64: { code: 11, bytes: 8 },
    uint32: { code: 12, bytes: 4 },
    uint64: { code: 13, bytes: 8 },
    bfloat16: { code: 16, bytes: 2 },
  }

const BY_CODE = new Map(
  Object.entries(ELEMENT_TYPES).map(([type, { code }]) => [code, type as ElementType] as const),
)

/** The element type of a TensorProto.DataType; undefined for those that are not read here. */
export function elementTypeOf(code: number): ElementType | undefined {
  return BY_CODE.get(code)
}

/** Elements of a tensor of these dimensions. */
export function countOf(dims: readonly number[]): number {
  let count = 1
  for (const dim of dims) count *= dim
  return count
}
