/** From a task that tunes a language model to the adapter that it makes. */
export { requireFinetune } from './require-finetune.ts'
export { type FinetuneRun, runFinetune, type TunedModel } from './run-finetune.ts'
