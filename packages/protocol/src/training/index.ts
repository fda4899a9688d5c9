/** What training writes: states to continue from, figures, and tensors in the format that everybody reads. */
export { checkpointDigest, encodeCheckpoint, parseCheckpoint, type TrainingState } from './checkpoint.ts'
export type { TrainingErrorCode } from './errors.ts'
export {
  encodeMetrics,
  METRIC_NAMES,
  type MetricName,
  parseMetrics,
  type TrainingMetric,
  type TrainingMetrics,
} from './metrics.ts'
export {
  encodeSafetensors,
  floatsOf,
  parseSafetensors,
  type Safetensor,
  type SafetensorFile,
  type SafetensorType,
} from './safetensors.ts'
