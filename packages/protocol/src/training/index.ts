/**
 * What training writes: states to continue from, figures, tensors in the format that everybody reads, and where a model
 * comes from.
 */
export { checkpointDigest, encodeCheckpoint, parseCheckpoint, type TrainingState } from './checkpoint.ts'
export type { TrainingErrorCode } from './errors.ts'
export { traceModel } from './lineage.ts'
export {
  encodeMetrics,
  METRIC_NAMES,
  type MetricName,
  parseMetrics,
  type TrainingMetric,
  type TrainingMetrics,
} from './metrics.ts'
export { type MlBomAbout, renderMlBom } from './ml-bom.ts'
export {
  type ChargedRun,
  encodeModelOrigin,
  MAX_ORIGIN_BYTES,
  type ModelOrigin,
  parseModelOrigin,
} from './origin.ts'
export {
  encodeSafetensors,
  floatsOf,
  parseSafetensors,
  type Safetensor,
  type SafetensorFile,
  type SafetensorType,
} from './safetensors.ts'
export {
  chargesOfTraced,
  type LineageDocuments,
  type LineageLink,
  type LinkStatus,
  ownerOf,
  type ReadFile,
  type TracedRun,
  trainedStep,
} from './traced-run.ts'
