export { externalDataOf } from './external-data.ts'
export { externalFiles, findFile, needFile, readJson } from './model-files.ts'
export {
  type ElementType,
  openSession,
  type Port,
  type Session,
  type SessionOptions,
  type Values,
} from './session.ts'
export { createTensorEngine, createTensorEngine as createEngine, infer } from './tensor-engine.ts'
export { asPortType, flagTensor, floatTensor, idTensor, takeRows, toFloats, zeroTensor } from './tensors.ts'
export { datatypeOf, fromWire, toWire } from './wire-tensors.ts'
