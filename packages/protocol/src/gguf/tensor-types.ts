import { ggufError } from './errors.ts'
import type { GgufTensorType } from './types.ts'

/** `ggml_type` of each type, and the blocks that its numbers stand in. */
const TENSOR_TYPES: Readonly<
  Record<GgufTensorType, { readonly code: number; readonly elements: number; readonly bytes: number }>
> = {
  f32: { code: 0, elements: 1, bytes: 4 },
  f16: { code: 1, elements: 1, bytes: 2 },
  bf16: { code: 30, elements: 1, bytes: 2 },
  // A scale in f16, and 32 numbers of 4 or 8 bits.
  q4_0: { code: 2, elements: 32, bytes: 18 },
  q8_0: { code: 8, elements: 32, bytes: 34 },
}

const BY_CODE = new Map(
  Object.entries(TENSOR_TYPES).map(([type, { code }]) => [code, type as GgufTensorType] as const),
)

/** The type of a `ggml_type`. @throws `GGUF_UNSUPPORTED` for those that are not read here */
export function tensorTypeOf(code: number, name: string): GgufTensorType {
  const type = BY_CODE.get(code)
  if (type === undefined)
    throw ggufError('GGUF_UNSUPPORTED', 'numbers of a tensor are none of f32, f16, bf16, q8_0, q4_0', name)
  return type
}

/** `ggml_type` of a type. */
export function codeOf(type: GgufTensorType): number {
  return TENSOR_TYPES[type].code
}

/** Numbers and bytes of one block. */
export function blockOf(type: GgufTensorType): { readonly elements: number; readonly bytes: number } {
  return TENSOR_TYPES[type]
}

/**
 * Bytes of a tensor.
 *
 * @param dims row-major; a block lies within a row
 * @throws `GGUF_MALFORMED` where a row is no whole number of blocks
 */
export function tensorBytes(type: GgufTensorType, dims: readonly number[], name: string): number {
  const { elements, bytes } = TENSOR_TYPES[type]
  if ((dims.at(-1) ?? 1) % elements !== 0)
    throw ggufError('GGUF_MALFORMED', 'a row of a tensor ends within a block', name)
  return (dims.reduce((product, size) => product * size, 1) / elements) * bytes
}
