/** GGUF, the files of llama.cpp: models read as far as training needs them, and adapters written. */
export { ggufError, type GgufErrorCode } from './errors.ts'
export { type GgufHeader, readGgufHeader, type TensorPlace } from './header.ts'
export {
  encodeLoraAdapter,
  type LoraAdapter,
  type LoraMatrices,
  parseLoraAdapter,
  requireLora,
} from './lora-adapter.ts'
export { type GgufMetadata, realOf, textOf, wholeOf } from './metadata.ts'
export { ggufFloats } from './numbers.ts'
export { parseGguf } from './read.ts'
export type { ReadAt } from './reader.ts'
export {
  type GgufFile,
  type GgufScalarType,
  type GgufTensor,
  type GgufTensorType,
  type GgufValue,
} from './types.ts'
export { encodeGguf, encodeScalar } from './write.ts'
