export { textsOf } from './from-raw.ts'
export { createTensors } from './run.ts'
export { type NpyArray, parseNpy, writeNpy } from './npy.ts'
export { tensorFromNpy, tensorToNpy } from './npy-tensor.ts'
export { outputsOfResult } from './saved.ts'
export type {
  ModelSignature,
  RunOptions,
  RunResult,
  SottoTensors,
  TensorArray,
  TensorElements,
  TensorInput,
  TensorOutput,
  TensorPort,
} from './types.ts'
