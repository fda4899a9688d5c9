/** From a task of a contract to what it makes: one training over tables that are opened. */
export type { LearnOptions, TrainingProgress } from './learned.ts'
export {
  runTraining,
  type TrainingFigures,
  type TrainingResult,
  type TrainingRun,
  tryTraining,
} from './run-training.ts'
export { refusalOf } from './graphs.ts'
