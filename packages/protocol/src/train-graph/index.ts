export { applyParameters } from './apply.ts'
export { buildTrainGraph } from './build.ts'
export { digestOfGraph } from './digest.ts'
export type { GraphErrorCode } from './errors.ts'
export { buildEvaluation, type Evaluation } from './evaluate.ts'
export { ggufForward } from './forward/gguf.ts'
export { linearForward } from './forward/linear.ts'
export { type Mlp, mlpForward } from './forward/mlp.ts'
export {
  encodeGraphAdapter,
  type GraphAdapter,
  matricesOf,
  parseGraphAdapter,
  withAdapter,
} from './graph-adapter.ts'
export { MAX_MICRO_BATCH } from './limits.ts'
export { addLora, type LoraBranch, type LoraSpec, type WithLora } from './lora.ts'
export type { LossKind } from './losses/index.ts'
export type { PrivacyBreak, PrivacyRule } from './privacy-break.ts'
export { findPrivacyBreaks } from './privacy-check.ts'
export type { ParameterPort, TrainGraph, TrainSpec } from './types.ts'
