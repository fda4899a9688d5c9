export { answerOf, warningOnce } from './answer-of.ts'
export { columnsIn, type FoundColumn } from './column-types.ts'
export { draftText, type DraftWish } from './draft-text.ts'
export {
  ADAPTER_OUTPUT,
  FIGURES_OUTPUT,
  finetuneDraft,
  type FinetuneWish,
  MODEL_INPUT,
  OWNER,
  TEXTS_INPUT,
  TUNE,
} from './finetune-draft.ts'
export { drawLoss, drawSteps, type PlotPoint, type PlotSize } from './plot.ts'
export { chooseRun, onlyTraining, type TrainingRun, trainingRuns } from './runs.ts'
export { sizesOf, type TrainingSizes } from './sizes.ts'
export { type Standing, standingIn, standingOf } from './standing.ts'
