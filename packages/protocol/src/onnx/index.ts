export { countOf, elementTypeOf } from './element-types.ts'
export { onnxError, type OnnxErrorCode } from './errors.ts'
export { MAX_ELEMENTS, MAX_MODEL_BYTES, MAX_NODES, MAX_RANK } from './limits.ts'
export { elementSize, floatsOf, integersOf, tensorOf } from './numbers.ts'
export { parseOnnx } from './read-model.ts'
export { scopeOf } from './scopes.ts'
export type {
  AttributeValue,
  ElementType,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxPort,
  OnnxTensor,
} from './types.ts'
export { encodeOnnx, encodeOnnxWithData, type ModelWithData } from './write-model.ts'
