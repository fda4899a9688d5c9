export type { Checkpoints } from './follow.ts'
export { type FinetuneProcessRun, finetuneInProcess, type TuningText } from './finetune.ts'
export { MAX_SEALED_STATE_BYTES, TABLE_MEDIA, type TableMedia } from './messages.ts'
export {
  type ProcessRun,
  trainInProcess,
  type TrainEngine,
  type TrainFile,
  type TrainTable,
  tryTask,
} from './run.ts'
