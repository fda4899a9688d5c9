/** Training: tables in, weights out, step by step. Nothing here reads a file, a clock or the network. */
export { openCheckpoint, sealCheckpoint, type SealedCheckpoint } from './checkpoint/seal.ts'
export { type JoinTable, readJoined } from './data/join.ts'
export { encodePart, type Part, readFor, requireLearnable } from './data/part.ts'
export { splitTable } from './data/split.ts'
export { encodeTexts, splitTexts, type TextPart, type Tokenizer } from './data/texts.ts'
export type { DataSpec, Feature, Label, TableSource } from './data/types.ts'
export { type RoomTrainErrorCode, roomTrainError } from './errors.ts'
export { joinScored, measure, type Scored } from './evaluate/measure.ts'
export type { Task } from './evaluate/figures.ts'
export { measureNoisily, type NoisyMeasure, type ScoredUnits } from './evaluate/noisy-metrics.ts'
export type { AdapterPlan, LoraPlan } from './export/adapter.ts'
export { exportGraphAdapter } from './export/lora-graph.ts'
export { exportLoraGguf } from './export/lora-gguf.ts'
export { exportLoraSafetensors } from './export/lora-safetensors.ts'
export { exportForest, exportOnnx, type TrainedGraph } from './export/onnx.ts'
export {
  encodePredictions,
  encodeUnlabelled,
  type Predictions,
  readUnlabelled,
} from './export/predictions.ts'
export { boost, type BoostOptions } from './gbdt/boost.ts'
export type { GbdtSettings } from './gbdt/settings.ts'
export { createShard, type GbdtShard } from './gbdt/shard.ts'
export { FOREST_INPUT, FOREST_OUTPUT, forestToOnnx } from './gbdt/to-onnx.ts'
export { type Forest, scoreForest } from './gbdt/tree.ts'
export { type StepReport, train, type TrainOptions, type TrainResult } from './loop.ts'
export { clipWithin } from './noise/grid.ts'
export { Chance } from './random/streams.ts'
export type { PrivacySettings, TrainSettings } from './settings.ts'
export { buildGraphs, type TableGraphs } from './step/build.ts'
export type { ScoreGraph, StepGraph } from './step/graph.ts'
export { microBatchFor } from './step/micro-batch.ts'
export { openScore, type ScoreSession } from './step/score.ts'
export { openStep, type StepSession } from './step/session.ts'
export {
  buildTextGraphs,
  type TextGraphs,
  type TextScoreGraph,
  type TextStepGraph,
  type TextTraining,
} from './step/text-graph.ts'
export { openTextScore, openTextStep, type TextLoss, type TextScoreSession } from './step/text-session.ts'
export { createTrainer, type PartSum, type PlacedPart, type Trainer, type TrainerOptions } from './trainer.ts'
